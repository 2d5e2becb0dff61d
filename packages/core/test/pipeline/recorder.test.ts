import { describe, expect, it } from 'vitest'
import { CallSiteTraces } from '../../src/pipeline/call-site-traces.ts'
import type { Shape } from '../../src/pipeline/operation.ts'
import { QueryStats } from '../../src/pipeline/query-stats.ts'
import { Recorder } from '../../src/pipeline/recorder.ts'
import { Scope } from '../../src/pipeline/scope.ts'

const shape: Shape = { fingerprint: 'a', label: 'a', kind: 'read' }
const mergedShape: Shape = { ...shape, fingerprint: 'b', mergedByOrm: true }

class World {
  now = 0
  readonly stats = new QueryStats()
  readonly recorder = new Recorder({ now: () => this.now, wall: () => this.now }, this.stats)
  readonly scope = new Scope('run', 'observe', 0)

  begin(of: Shape = shape, isTimed = true) {
    return this.recorder.begin(this.scope, of, {}, isTimed)
  }

  group(of: Shape = shape) {
    return this.scope.groups.get(of.fingerprint)
  }
}

describe('database time', () => {
  it('is the time with any statement in flight for a scope; in total, each statement counts', () => {
    const world = new World()
    const first = world.begin()
    world.now = 10
    const second = world.begin()
    world.now = 50
    world.recorder.end(first, 1, {})
    world.now = 60
    world.recorder.end(second, 1, {})
    world.now = 100
    const third = world.begin()
    world.now = 105
    world.recorder.end(third, 0, {}, true)
    expect(world.scope.counts.databaseMs).toBe(65)
    expect(world.group()?.databaseMs).toBe(65)
    expect(world.stats.databaseMs).toBe(105)
  })

  it('counts operations once that the ORM merges into one statement', () => {
    const world = new World()
    const all = Array.from({ length: 60 }, () => world.begin(mergedShape))
    world.now = 33
    for (const one of all) world.recorder.end(one, 1, {})
    expect(world.scope.counts.databaseMs).toBe(33)
    expect(world.group(mergedShape)?.databaseMs).toBe(33)
    expect(world.stats.databaseMs).toBe(33)
  })

  it('is the time of the statements if they are instrumented, too', () => {
    const world = new World()
    const operation = world.begin(shape, false)
    world.now = 5
    const statement = world.recorder.sent(world.scope)
    world.now = 15
    world.recorder.end(statement, 1, {})
    world.now = 40
    world.recorder.end(operation, 1, {})
    expect(world.scope.counts.databaseMs).toBe(10)
    expect(world.stats.databaseMs).toBe(10)
    expect(world.group()?.databaseMs).toBe(40)
  })

  it('ends with the scope', () => {
    const world = new World()
    const execution = world.begin()
    world.now = 20
    world.scope.close(20)
    expect(world.scope.counts.databaseMs).toBe(20)
    world.now = 30
    world.recorder.end(execution, 1, {})
    const late = world.begin()
    world.recorder.end(late, 1, {})
    world.recorder.end(world.recorder.sent(world.scope), 1, {})
    expect(world.scope.statements).toBe(0)
    expect(world.stats.databaseMs).toBe(30)
  })
})

describe('mayTrace', () => {
  const clock = { now: () => 0, wall: () => 0 }
  const other: Shape = { ...shape, fingerprint: 'other' }

  function open({ threshold = 5, tracesFirst = false } = {}) {
    const traces = new CallSiteTraces(clock, threshold, true)
    const scope = new Scope('run', 'optimize', 0)
    scope.tracesFirst = tracesFirst
    return { scope, recorder: new Recorder(clock, new QueryStats(), traces) }
  }

  it('is false for the first read of a shape, whose stack is not captured', () => {
    const { scope, recorder } = open()
    expect(recorder.mayTrace(scope, shape)).toBe(false)
    expect(recorder.mayTrace(scope, other)).toBe(false)
    recorder.begin(scope, shape, {})
    expect(recorder.mayTrace(scope, shape)).toBe(true)
  })

  it('is true for reads that are issued before the first one is executed', () => {
    const { scope, recorder } = open()
    expect([1, 2, 3].map(() => recorder.mayTrace(scope, shape))).toEqual([false, true, true])
  })

  it('is true for the first one if first executions are traced', () => {
    const [rare, demanded] = [open({ threshold: 2 }), open({ tracesFirst: true })]
    expect(rare.recorder.mayTrace(rare.scope, shape)).toBe(true)
    expect(demanded.recorder.mayTrace(demanded.scope, shape)).toBe(true)
  })

  it('is false after ten executions, outside of scopes, and without traces', () => {
    const { scope, recorder } = open()
    for (let at = 0; at < 11; at += 1) recorder.begin(scope, shape, {})
    expect(recorder.mayTrace(scope, shape)).toBe(false)
    expect(recorder.mayTrace(undefined, shape)).toBe(false)
    const untraced = new World()
    untraced.begin()
    expect(untraced.recorder.mayTrace(untraced.scope, shape)).toBe(false)
  })
})
