import { describe, expect, it } from 'vitest'
import { arrangeRows, axisSteps, barOf, isNearEnd, ticksPath } from '../../../page/src/waterfall/arrange.ts'
import type { Tick, WaterfallRow } from '../../../src/protocol/index.ts'

const row = (id: number, more: Partial<WaterfallRow> = {}): WaterfallRow =>
  ({ id, parent: null, level: 'operation', startMs: id, endMs: id + 1, ...more }) as WaterfallRow

describe('arrangeRows', () => {
  it('places each row below its parent, in order of start', () => {
    const lines = arrangeRows([
      row(0),
      row(1),
      row(2, { parent: 0 }),
      row(3, { parent: 2 }),
      row(4, { parent: 0 }),
    ])
    expect(lines.map(({ row: { id }, depth }) => [id, depth])).toEqual([
      [0, 0],
      [2, 1],
      [3, 2],
      [4, 1],
      [1, 0],
    ])
    expect(lines.map(({ continues: goesOn }) => goesOn)).toEqual([[], [true], [true, false], [false], []])
  })

  it('stores statements in the line of their operation', () => {
    const lines = arrangeRows([
      row(0),
      row(1, { level: 'statement', parent: 0 }),
      row(2, { level: 'statement' }),
    ])
    expect(lines.map(({ row: { id }, statements }) => [id, statements.map((one) => one.id)])).toEqual([
      [0, [1]],
      [2, []],
    ])
  })

  it('shows every operation once, even if parents are missing or circular', () => {
    const lines = arrangeRows([
      row(0, { parent: 1 }),
      row(1, { parent: 0 }),
      row(2, { parent: 2 }),
      row(3, { parent: 99 }),
    ])
    expect(lines.map(({ row: { id } }) => id).sort()).toEqual([0, 1, 2, 3])
  })

  it('limits the indentation', () => {
    const lines = arrangeRows(
      Array.from({ length: 30 }, (_, id) => row(id, { parent: id === 0 ? null : id - 1 })),
    )
    expect(lines).toHaveLength(30)
    expect(Math.max(...lines.map(({ depth }) => depth))).toBe(6)
    expect(Math.max(...lines.map(({ continues: goesOn }) => goesOn.length))).toBe(6)
  })
})

describe('barOf', () => {
  it('returns the position in time, with a minimum width and within the axis', () => {
    expect(barOf(50, 25, 100, 400)).toEqual({ x: 200, width: 100 })
    expect(barOf(50, 0, 100, 400)).toEqual({ x: 200, width: 2 })
    expect(barOf(100, 5, 100, 400)).toEqual({ x: 380, width: 20 })
    expect(barOf(0, 5, 0, 400)).toEqual({ x: 0, width: 2 })
  })
})

describe('ticksPath', () => {
  const tick = (start: number, took: number): Tick => [start, took, 1, 0]

  it('draws one rectangle per distinguishable tick', () => {
    expect(ticksPath([tick(0, 10), tick(20, 10)], 100, 100, 8)).toBe('M0 0h10v8h-10zM20 0h10v8h-10z')
  })

  it('merges touching ticks in any order', () => {
    const ticks = Array.from({ length: 101 }, (_, index) => tick(100 - index, 1))
    expect(ticksPath(ticks, 101, 101, 8).match(/M/g)).toHaveLength(1)
  })
})

describe('axisSteps', () => {
  it('returns round steps from 0 that fit into the given number', () => {
    expect(axisSteps(412, 6)).toEqual([0, 100, 200, 300, 400])
    expect(axisSteps(0.9, 3)).toEqual([0, 0.5])
    expect(axisSteps(0, 6)).toEqual([0])
    for (const total of [1, 7, 33, 99, 1_234, 60_000])
      expect(axisSteps(total, 6).length).toBeLessThanOrEqual(7)
  })
})

describe('isNearEnd', () => {
  it('is true for a step whose label does not fit, at any width', () => {
    expect([0, 100, 200, 300].map((step) => isNearEnd(step, 330, 523))).toEqual([false, false, false, true])
    expect([0, 100, 200, 300].map((step) => isNearEnd(step, 345, 523))).toEqual([false, false, false, false])
    expect([0, 1].map((step) => isNearEnd(step, 1, 280))).toEqual([false, true])
    expect(isNearEnd(0, 0, 0)).toBe(false)
  })
})
