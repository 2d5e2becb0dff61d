import { describe, expect, it } from 'vitest'
import { arrangeRows, axisSteps, barOf, isNearEnd, ticksPath } from '../../page/src/waterfall/arrange.ts'
import type { Tick, WaterfallRow } from '../../src/protocol/index.ts'

const row = (id: number, more: Partial<WaterfallRow> = {}): WaterfallRow =>
  ({ id, parent: null, level: 'operation', startMs: id, endMs: id + 1, ...more }) as WaterfallRow

describe('arrangeRows', () => {
  it('puts each row below the one it belongs to, in the order in which they began', () => {
    const lines = arrangeRows([row(0), row(1), row(2, { parent: 0 }), row(3, { parent: 2 }), row(4, { parent: 0 })])
    expect(lines.map(({ row: { id }, depth }) => [id, depth])).toEqual([
      [0, 0],
      [2, 1],
      [3, 2],
      [4, 1],
      [1, 0],
    ])
    expect(lines.map(({ goesOn }) => goesOn)).toEqual([[], [true], [true, false], [false], []])
  })

  it('keeps statements with the operation that sent them', () => {
    const lines = arrangeRows([row(0), row(1, { level: 'statement', parent: 0 }), row(2, { level: 'statement' })])
    expect(lines.map(({ row: { id }, statements }) => [id, statements.map((one) => one.id)])).toEqual([
      [0, [1]],
      [2, []],
    ])
  })

  it('shows every operation once, even where parents are missing or go round in a circle', () => {
    const lines = arrangeRows([row(0, { parent: 1 }), row(1, { parent: 0 }), row(2, { parent: 2 }), row(3, { parent: 99 })])
    expect(lines.map(({ row: { id } }) => id).sort()).toEqual([0, 1, 2, 3])
  })

  it('draws what is nested too deep as deep as can be seen', () => {
    const lines = arrangeRows(Array.from({ length: 30 }, (_, id) => row(id, { parent: id === 0 ? null : id - 1 })))
    expect(lines).toHaveLength(30)
    expect(Math.max(...lines.map(({ depth }) => depth))).toBe(6)
    expect(Math.max(...lines.map(({ goesOn }) => goesOn.length))).toBe(6)
  })
})

describe('barOf', () => {
  it('is where it was in time, never thinner than can be seen and never off the axis', () => {
    expect(barOf(50, 25, 100, 400)).toEqual({ x: 200, width: 100 })
    expect(barOf(50, 0, 100, 400)).toEqual({ x: 200, width: 2 })
    expect(barOf(100, 5, 100, 400)).toEqual({ x: 380, width: 20 })
    expect(barOf(0, 5, 0, 400)).toEqual({ x: 0, width: 2 })
  })
})

describe('ticksPath', () => {
  const tick = (start: number, took: number): Tick => [start, took, 1, 0]

  it('draws a rectangle for each tick that can be told apart', () => {
    expect(ticksPath([tick(0, 10), tick(20, 10)], 100, 100, 8)).toBe('M0 0h10v8h-10zM20 0h10v8h-10z')
  })

  it('draws those that touch as one, in whatever order they come', () => {
    const ticks = Array.from({ length: 101 }, (_, index) => tick(100 - index, 1))
    expect(ticksPath(ticks, 101, 101, 8).match(/M/g)).toHaveLength(1)
  })
})

describe('axisSteps', () => {
  it('has round steps from 0, and no more of them than there is room for', () => {
    expect(axisSteps(412, 6)).toEqual([0, 100, 200, 300, 400])
    expect(axisSteps(0.9, 3)).toEqual([0, 0.5])
    expect(axisSteps(0, 6)).toEqual([0])
    for (const total of [1, 7, 33, 99, 1_234, 60_000]) expect(axisSteps(total, 6).length).toBeLessThanOrEqual(7)
  })
})

describe('isNearEnd', () => {
  it('is a step whose label would be cut off after it, on an axis of any width', () => {
    expect([0, 100, 200, 300].map((step) => isNearEnd(step, 330, 523))).toEqual([false, false, false, true])
    expect([0, 100, 200, 300].map((step) => isNearEnd(step, 345, 523))).toEqual([false, false, false, false])
    expect([0, 1].map((step) => isNearEnd(step, 1, 280))).toEqual([false, true])
    expect(isNearEnd(0, 0, 0)).toBe(false)
  })
})
