import { describe, expect, it } from 'vitest'
import { PoolWaits } from '../../src/adapter/pool-waits.ts'

const FREE = { idle: 1, used: 0, waiting: 0, min: 0, max: 2 }
const GROWING = { idle: 0, used: 1, waiting: 0, min: 0, max: 2 }
const EXHAUSTED = { idle: 0, used: 2, waiting: 3, min: 0, max: 2 }

function open() {
  const reported: [ms: number, wasExhausted: boolean, count: number][] = []
  let now = 0
  const waits = new PoolWaits(
    (...wait) => reported.push(wait),
    () => now,
  )
  const wait = (state: typeof FREE, ms: number) => {
    const ended = waits.request(state)
    now += ms
    ended?.()
  }
  return { reported, waits, wait }
}

describe('PoolWaits', () => {
  it('reports each wait with its duration when the state of the pool is read', () => {
    const { reported, waits, wait } = open()
    wait(EXHAUSTED, 5)
    wait(GROWING, 2)
    wait(FREE, 1)
    wait(EXHAUSTED, 7)
    wait(FREE, 1)
    expect(reported).toEqual([])
    waits.flush()
    expect(reported).toEqual([
      [0, false, 2],
      [5, true, 1],
      [2, false, 1],
      [7, true, 1],
    ])
    waits.flush()
    expect(reported).toHaveLength(4)
  })

  it('reports 64 waits, and 256 requests without one, although nothing reads the state', () => {
    const { reported, wait } = open()
    for (let at = 0; at < 63; at += 1) wait(EXHAUSTED, 1)
    expect(reported).toEqual([])
    wait(EXHAUSTED, 1)
    expect(reported).toHaveLength(64)
    for (let at = 0; at < 255; at += 1) wait(FREE, 1)
    expect(reported).toHaveLength(64)
    wait(FREE, 1)
    expect(reported.at(-1)).toEqual([0, false, 256])
  })
})
