import { describe, expect, it } from 'vitest'
import { type HeapItem, MinHeap, PlacedHeap } from '../../src/shared/heap.ts'
import { seeded } from '../monitoring/seeded.ts'

interface Ranked extends HeapItem {
  rank: number
}

const isBefore = (first: { rank: number }, second: { rank: number }) => first.rank < second.rank

describe('MinHeap', () => {
  it('returns items in order, regardless of additions and removals in between', () => {
    const random = seeded(7)
    const heap = new MinHeap<{ rank: number }>(isBefore)
    const model: number[] = []
    for (let step = 0; step < 2_000; step += 1) {
      if (random() < 0.6) {
        const rank = Math.floor(random() * 50)
        heap.add({ rank })
        model.push(rank)
        model.sort((a, b) => a - b)
      } else expect(heap.shift()?.rank).toBe(model.shift())
      expect(heap.peek()?.rank).toBe(model[0])
    }
  })

  it('returns undefined when it is empty', () => {
    const heap = new MinHeap<number>((first, second) => first < second)
    expect([heap.peek(), heap.shift()]).toEqual([undefined, undefined])
  })
})

describe('PlacedHeap', () => {
  it('removes and moves any item', () => {
    const random = seeded(11)
    const heap = new PlacedHeap<Ranked>(isBefore)
    const items = Array.from({ length: 300 }, () => ({ rank: Math.floor(random() * 1_000), place: 0 }))
    for (const item of items) heap.add(item)
    for (const item of items.slice(0, 100)) {
      item.rank = Math.floor(random() * 1_000)
      heap.update(item)
    }
    for (const item of items.slice(50, 150)) heap.remove(item)
    const left = [...items.slice(0, 50), ...items.slice(150)]
    expect(new Set(heap)).toEqual(new Set(left))
    const ranks: number[] = []
    for (let item = heap.shift(); item !== undefined; item = heap.shift()) ranks.push(item.rank)
    expect(ranks).toEqual(left.map(({ rank }) => rank).sort((a, b) => a - b))
  })
})
