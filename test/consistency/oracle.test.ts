import { beforeEach, describe, expect, it } from 'vitest'
import { Oracle, type RowSeen, type TotalSeen, type Turn } from './oracle.ts'

let now = 0
let oracle: Oracle

beforeEach(() => {
  now = 0
  oracle = new Oracle(() => now)
})

function read(began: Turn, rows: readonly RowSeen[], total?: TotalSeen) {
  return oracle
    .judge({ kind: 'read', began, rows, ...(total === undefined ? {} : { total }) })
    .map(({ promise, staleMs }) => [promise, staleMs])
}

describe('Oracle', () => {
  it('accepts the acknowledged version, and anything newer', () => {
    oracle.acknowledge([['x', 3]])
    expect(read(oracle.turn(), [['x', 3]])).toEqual([])
    expect(read(oracle.turn(), [['x', 5]])).toEqual([])
  })

  it('reports a read that is older than a write acknowledged before it began, and for how long', () => {
    oracle.acknowledge([['x', 3]])
    now = 40
    oracle.acknowledge([['x', 4]])
    now = 100
    expect(read(oracle.turn(), [['x', 2]])).toEqual([['A', 100]])
    expect(read(oracle.turn(), [['x', 3]])).toEqual([['A', 60]])
  })

  it('accepts a version that became outdated only while the read was in flight', () => {
    oracle.acknowledge([['x', 3]])
    const began = oracle.turn()
    oracle.acknowledge([['x', 4]])
    expect(read(began, [['x', 3]])).toEqual([])
  })

  it('reports a read that is older than one that ended before it began', () => {
    const early = oracle.turn()
    read(oracle.turn(), [['x', 7]])
    expect(read(oracle.turn(), [['x', 6]])).toEqual([['B', 0]])
    expect(read(early, [['x', 6]])).toEqual([])
  })

  it('raises rows from the version that was known when the write began', () => {
    oracle.acknowledge([['x', 3]])
    const { turn } = oracle.turn()
    oracle.acknowledge([['x', 9]])
    oracle.acknowledgeRaise(['x', 'y'], turn)
    expect(read(oracle.turn(), [['x', 8]])).toEqual([['A', 0]])
    expect(read(oracle.turn(), [['y', 0]])).toEqual([['A', 0]])
    expect(read(oracle.turn(), [['y', 1]])).toEqual([])
  })

  it('treats absence as the latest version at which the row may be absent', () => {
    expect(read(oracle.turn(), [['x', null]])).toEqual([])
    oracle.acknowledge([['x', oracle.attempt('x', false)]])
    now = 10
    expect(read(oracle.turn(), [['x', null]])).toEqual([['A', 10]])
    const deleted = oracle.attempt('x', true)
    expect(read(oracle.turn(), [['x', null]])).toEqual([])
    expect(read(oracle.turn(), [['x', 1]])).toEqual([['B', 0]])
    oracle.acknowledge([['x', deleted]])
    expect(read(oracle.turn(), [['x', 1]])).toEqual([['A', 0]])
  })

  it('reports totals that are too low', () => {
    const sum = (value: number): TotalSeen => ({ of: 'sum', name: 'sum', rows: ['x', 'y'], value })
    oracle.acknowledge([['x', 3]])
    now = 5
    oracle.acknowledge([['y', 4]])
    now = 20
    expect(read(oracle.turn(), [], sum(6))).toEqual([['A', 15]])
    expect(read(oracle.turn(), [], sum(2))).toEqual([['A', 20]])
    expect(read(oracle.turn(), [], sum(9))).toEqual([])
    expect(read(oracle.turn(), [], sum(8))).toEqual([['B', 0]])
    const count = (value: number): TotalSeen => ({
      of: { atLeast: 4 },
      name: 'count',
      rows: ['x', 'y'],
      value,
    })
    expect(read(oracle.turn(), [], count(0))).toEqual([['A', 15]])
    expect(read(oracle.turn(), [], count(1))).toEqual([])
  })

  it('lets one holder at a time write a row, and the next one when it is released', () => {
    const granted: number[] = []
    oracle.lock(1, ['x', 'y'], (id) => granted.push(id))
    oracle.lock(2, ['y', 'z'], (id) => granted.push(id))
    oracle.lock(2, ['w'], (id) => granted.push(id))
    expect(granted).toHaveLength(2)
    oracle.release(granted[0] as number)
    expect(granted).toHaveLength(3)
  })

  it('removes the requests of a dead holder, and reports its locks', () => {
    const granted: number[] = []
    oracle.lock(1, ['x'], (id) => granted.push(id))
    oracle.lock(1, ['x'], (id) => granted.push(id))
    expect(oracle.locksOf(1)).toEqual(granted)
    oracle.release(granted[0] as number)
    expect(granted).toHaveLength(1)
  })
})
