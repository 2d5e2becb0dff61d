import { describe, expect, it } from 'vitest'
import type { Shape } from '../../../src/pipeline/operation.ts'
import { QueryStats } from '../../../src/pipeline/query-stats.ts'
import { Recorder } from '../../../src/pipeline/recorder.ts'
import { Scope } from '../../../src/pipeline/scope.ts'
import type { DetectionOptions } from '../../../src/query/detect/detection-options.ts'
import { Detector } from '../../../src/query/detect/detector.ts'
import type { Finding } from '../../../src/query/detect/finding.ts'
import { seeded } from '../../monitoring/seeded.ts'

const LOOP = 20

function shapeOf(name: string): Shape {
  return {
    fingerprint: name,
    label: `select from ${name}`,
    kind: 'read',
    fix: (parent) => `one query along ${parent?.label}`,
  }
}

/** Scopes that run a list of queries from lines of one file, and count the captured stacks. */
class World {
  stacks = 0
  now = 0
  latest: Scope | undefined
  readonly clock = { now: () => this.now, wall: () => this.now }
  readonly detector: Detector
  readonly #recorder: Recorder
  readonly listing: Shape = shapeOf('cities')
  readonly shape: Shape = shapeOf('posts')

  constructor(
    options: DetectionOptions = {},
    private readonly onlyCounts = false,
  ) {
    this.detector = new Detector(options, this.clock)
    this.#recorder = new Recorder(this.clock, new QueryStats(), this.detector.traces)
  }

  /**
   * A scope with a loop over a parent query.
   *
   * @param lines - The call sites of the queries in the loop, repeated cyclically.
   */
  scope(
    name: string | (() => string),
    lines: readonly number[],
    { shape = this.shape, count = LOOP, peeks = 0, listing = this.listing, values = 1_000 } = {},
  ): readonly Finding[] {
    const scope = new Scope(name, 'observe', this.now - 0.5)
    scope.requestId = `r${this.now}`
    this.latest = scope
    this.#execute(scope, listing, 0, 3, 1)
    for (let at = 0; at < count; at += 1)
      this.#execute(scope, shape, at % values, 1, lines[at % lines.length] ?? 0)
    scope.counts.queries = count + 1
    for (let time = 0; time < peeks; time += 1) this.detector.peek(scope)
    if (!this.onlyCounts) return this.detector.inspect(scope, this.now)
    this.detector.count(scope, this.now)
    return []
  }

  #execute(scope: Scope, shape: Shape, value: number, rows: number, line: number): void {
    const issued = {
      values: () => ['select', [value]],
      stack: () => {
        this.stacks += 1
        return { stack: `Error\n    at load (/app/page.ts:${line}:1)` }
      },
    }
    const execution = this.#recorder.begin(scope, shape, issued)
    this.#recorder.end(execution, rows, issued)
  }

  /** The number of stacks that the function captures. */
  captured(work: () => void): number {
    const before = this.stacks
    work()
    return this.stacks - before
  }
}

const lineOf = ([finding]: readonly Finding[]) => finding?.callSite?.line

describe('a finding that is only counted', () => {
  it('is the same as one that is described in each scope', () => {
    const worlds = [new World(), new World({}, true)]
    const random = seeded(7)
    const pick = <T>(...all: readonly [T, ...T[]]) => all[Math.floor(random() * all.length)] as T
    const shapes = [shapeOf('posts'), shapeOf('tags'), shapeOf('users')] as const
    const listings = [shapeOf('cities'), shapeOf('regions')] as const
    for (let at = 0; at < 2_000; at += 1) {
      const name = pick('GET /a', 'GET /b', 'GET /c')
      const [lines, elapsed, lazy] = [pick([7], [7], [7, 9], [8]), pick(0, 1, 20, 1_200), random() < 0.5]
      const options = {
        shape: pick(...shapes),
        listing: pick(...listings),
        count: pick(4, 5, 20, 100),
        values: pick(3, 200),
      }
      const [found = []] = worlds.map((world) => {
        world.now += elapsed
        return world.scope(lazy ? () => name : name, lines, options)
      })
      const { detector, latest } = worlds[0] as World
      const unrated = ({ severity, occurrences, ...finding }: Finding) => finding
      if (latest !== undefined) expect(found.map(unrated)).toEqual(detector.peek(latest).map(unrated))
      const [described, counted] = worlds.map(({ detector }) => detector.findings())
      if (at % 50 === 0) expect(counted).toEqual(described)
    }
    const [described, counted] = worlds.map(({ detector }) => detector.findings())
    expect(described?.length).toBeGreaterThan(20)
    expect(counted).toEqual(described)
  })

  it('is described again if its parent query changes', () => {
    const world = new World({}, true)
    const listing = shapeOf('regions')
    for (let at = 0; at < 20; at += 1) world.scope('GET /cities', [7])
    for (let at = 0; at < 20; at += 1) world.scope('GET /cities', [7], { listing })
    world.scope('GET /cities', [7])
    const [found] = world.detector.findings()
    expect(found?.finding).toMatchObject({ occurrences: 41, parent: { label: 'select from cities' } })
  })

  it('is found again after it was cleared', () => {
    const world = new World({}, true)
    for (let at = 0; at < 5; at += 1) world.scope('GET /cities', [7])
    world.detector.clear()
    world.scope('GET /cities', [7])
    expect(world.detector.findings()).toMatchObject([{ finding: { occurrences: 1, callSite: { line: 7 } } }])
  })
})

describe('call sites', () => {
  it('are captured in few scopes, and reported in all', () => {
    const world = new World()
    const first = world.scope('GET /cities', [7])
    expect(first).toMatchObject([
      {
        callSite: { line: 7 },
        parent: { callSite: { line: 1 } },
        pattern: 'sequential',
        fix: 'one query along select from cities',
        count: LOOP,
      },
    ])
    for (let at = 0; at < 10; at += 1) world.scope('GET /cities', [7])
    let found: readonly Finding[] = []
    expect(world.captured(() => (found = world.scope('GET /cities', [7])))).toBe(0)
    expect(found).toEqual([{ ...first[0], occurrences: 12 }])
  })

  it('are separate for each route, even if other routes have run the same query 1,000 times', () => {
    const world = new World()
    for (let at = 0; at < 1_000; at += 1) {
      world.now += 10
      world.scope('GET /cities', [7])
    }
    for (let at = 0; at < 3; at += 1) expect(lineOf(world.scope('GET /towns', [8]))).toBe(8)
    expect(lineOf(world.scope('GET /cities', [7]))).toBe(7)
  })

  it('are found within 1 second when they change', () => {
    const world = new World()
    for (let at = 0; at < 20; at += 1) world.scope('GET /cities', [7])
    const seen = new Set<number | undefined>()
    for (let ms = 0; ms < 1_100; ms += 100) {
      world.now += 100
      seen.add(lineOf(world.scope('GET /cities', [9])))
    }
    expect([...seen]).toEqual([7, 9])
  })

  it('are distinguished if a normalized query has several', () => {
    const world = new World()
    for (let at = 0; at < 30; at += 1)
      expect(
        world.scope('GET /cities', [7, 8]).map(({ callSite, count }) => [callSite?.line, count]),
      ).toEqual([
        [8, 11],
        [7, 9],
      ])
  })

  it('capture a limited number of stacks: a group without a call site counts with the next scope that has one', () => {
    const world = new World()
    const many = () => {
      for (let at = 0; at < 200; at += 1) world.scope(`GET /${at}`, [7, 8], { shape: shapeOf(`t${at}`) })
    }
    expect(world.captured(many)).toBe(500)
    expect(world.scope('GET /late', [3], { shape: shapeOf('late') })).toEqual([])
    world.now += 1_000
    expect(world.scope('GET /late', [3])).toMatchObject([{ callSite: { line: 3 } }])
    expect(world.captured(many)).toBeLessThanOrEqual(40)
  })

  it('count scopes without a known call site', () => {
    const world = new World()
    for (let at = 0; at < 200; at += 1) world.scope(`GET /${at}`, [7, 8], { shape: shapeOf(`t${at}`) })
    expect(world.scope('GET /late', [3], { peeks: 5 })).toEqual([])
    expect(world.scope('GET /late', [3])).toEqual([])
    world.now += 1_000
    expect(world.scope('GET /late', [3])).toMatchObject([{ callSite: { line: 3 }, occurrences: 3 }])
  })

  it('are not captured for long if nothing is found', () => {
    const world = new World()
    const few = () => void world.scope('GET /few', [7], { count: 2 })
    for (let at = 0; at < 20; at += 1) few()
    expect(world.captured(few)).toBe(0)
    world.now += 1_001
    expect(world.captured(few)).toBeGreaterThan(0)
  })

  it('are always captured in throw mode', () => {
    const world = new World({ mode: 'throw' })
    for (let at = 0; at < 300; at += 1) expect(lineOf(world.scope('run', [at]))).toBe(at)
  })

  it('are not captured without a detector', () => {
    const world = new World()
    const recorder = new Recorder(world.clock, new QueryStats())
    const scope = new Scope('run', 'observe', 0)
    const issued = { stack: () => expect.unreachable() }
    for (let at = 0; at < 20; at += 1) recorder.end(recorder.begin(scope, world.shape, issued), 5, issued)
  })
})
