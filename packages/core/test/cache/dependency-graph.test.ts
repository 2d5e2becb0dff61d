import { describe, expect, it } from 'vitest'
import { DependencyGraph } from '../../src/cache/dependency-graph.ts'

describe('DependencyGraph', () => {
  it('is empty after the last entry of a chain is released', () => {
    const cached = new Set(['a', 'b', 'c'])
    const graph = new DependencyGraph((id) => cached.has(id))
    graph.own('b', ['a'])
    graph.own('c', ['b'])
    for (const id of ['a', 'b', 'c']) {
      expect(graph.isEmpty).toBe(false)
      cached.delete(id)
      graph.release(id)
    }
    expect(graph.isEmpty).toBe(true)
  })

  it('keeps the path through an absent entry to its dependents', () => {
    const graph = new DependencyGraph((id) => id === 'c')
    graph.own('b', ['a'])
    graph.own('c', ['b'])
    graph.release('b')
    expect([...graph.dependents('a')]).toEqual(['a', 'b', 'c'])
  })

  it('replaces owned edges and keeps declared ones', () => {
    const graph = new DependencyGraph(() => false)
    graph.declare('declared', 'child')
    graph.own('child', ['first'])
    graph.own('child', ['second', 'second', 'child'])
    expect([...graph.dependents('first')]).toEqual(['first'])
    expect([...graph.dependents('second')]).toEqual(['second', 'child'])
    graph.release('child')
    expect([...graph.dependents('second')]).toEqual(['second'])
    expect([...graph.dependents('declared')]).toEqual(['declared', 'child'])
  })
})
