import { analyzeSql, type Dialect } from '@sluice/core'
import { captureStack } from '@sluice/core/adapter'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WorkloadLog, type WorkloadOptions } from '../../../src/database/workload/workload-log.ts'
import { OmittedValue } from '../../../src/database/workload/workload-record.ts'
import { FakeClock } from '../../helpers.ts'

interface Sent {
  readonly ms?: number
  readonly rows?: number
  readonly bindings?: readonly unknown[]
  readonly failed?: boolean
  readonly dialect?: Dialect
  readonly stack?: string
}

/** Pseudorandom numbers from 0 to 1, the same in each run. */
function dice(): () => number {
  let state = 42
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

function open(options: WorkloadOptions = {}, maxFingerprints?: number) {
  const clock = new FakeClock()
  const errors: unknown[] = []
  const log = new WorkloadLog(options, {
    clock,
    random: dice(),
    onError: (error) => errors.push(error),
    ...(maxFingerprints !== undefined && { maxFingerprints }),
  })
  const send = (
    sql: string,
    { ms = 1, rows = 0, bindings = [], failed = false, dialect = 'postgresql', stack }: Sent = {},
  ) => {
    const caller = stack === undefined ? undefined : { stack: () => ({ stack: `Error\n    at ${stack}` }) }
    const watched = log.begin(sql, dialect, analyzeSql(sql, dialect), bindings, caller)
    const startedAt = clock.now()
    clock.advance(ms)
    watched?.ended(startedAt, clock.now(), rows, failed)
  }
  return { clock, errors, log, send }
}

describe('WorkloadLog', () => {
  it('counts calls, time, rows and errors of each normalized query, most expensive first', () => {
    const { log, send } = open()
    send('select * from a where id = $1', { ms: 2, rows: 1 })
    send('SELECT  *  FROM a WHERE id = $1', { ms: 5, rows: 3 })
    send('select * from b', { ms: 10, rows: 100 })
    send('select * from b', { ms: 1, failed: true })
    expect(log.snapshot()).toMatchObject([
      {
        sql: 'select * from b',
        kind: 'read',
        calls: 2,
        errors: 1,
        totalMs: 11,
        maxMs: 10,
        rows: 100,
        dialect: 'postgresql',
        source: 'app',
      },
      { sql: 'select * from a where id = $1', calls: 2, errors: 0, totalMs: 7, maxMs: 5, rows: 4 },
    ])
  })

  it.each([
    ['read', 'select 1'],
    ['read', 'with x as (select 1) select * from x'],
    ['write', 'insert into a values (1)'],
    ['write', 'with x as (delete from a returning *) select * from x'],
    ['write', 'update a set b = 1'],
    ['write', 'refresh materialized view a'],
    ['other', 'explain select 1'],
    ['other', 'create table a (id int)'],
    ['other', 'create table a as select * from b'],
    ['other', 'vacuum'],
    ['other', "select 'unterminated"],
  ])('classifies as a %s: %s', (kind, sql) => {
    const { log, send } = open()
    send(sql)
    expect(log.snapshot()[0]?.kind).toBe(kind)
  })

  it('records when a normalized query was seen, by the wall clock', () => {
    const { clock, log, send } = open()
    const at = clock.wall()
    send('select 1', { ms: 5 })
    clock.advance(100)
    send('select 1', { ms: 5 })
    clock.advance(1000)
    expect(log.snapshot()[0]).toMatchObject({ firstSeenAt: at, lastSeenAt: at + 110 })
  })

  it('separates equal statements of two dialects', () => {
    const { log, send } = open()
    send('select 1', { dialect: 'mysql' })
    send('select 1', { dialect: 'sqlite' })
    expect(log.snapshot().map(({ dialect }) => dialect)).toEqual(['mysql', 'sqlite'])
  })

  it('evicts the queries with the least total time, and adds them to the others', () => {
    const { log, send } = open({}, 3)
    for (const [at, table] of ['a', 'b', 'c', 'd', 'e'].entries())
      send(`select * from ${table}`, { ms: 10 - at, rows: 1 })
    expect(log.snapshot().map(({ sql }) => sql.at(-1))).toEqual(['a', 'b', 'e'])
    expect(log.others).toEqual({ forgotten: 2, calls: 2, errors: 0, totalMs: 15, rows: 2 })
  })

  it('counts the time of statements in flight whose query was evicted', () => {
    const { clock, log, send } = open({}, 1)
    const watched = log.begin('select 1', 'sqlite', analyzeSql('select 1', 'sqlite'), [], undefined)
    send('select * from b', { ms: 2 })
    watched?.ended(clock.now(), clock.now() + 3, 7, true)
    expect(log.others).toMatchObject({ calls: 1, totalMs: 3, rows: 7, errors: 1 })
    send('select 1', { dialect: 'sqlite' })
    expect(log.snapshot()).toMatchObject([{ sql: 'select 1', calls: 1, totalMs: 1 }])
  })

  it('stays within maxBytes', () => {
    const { log, send } = open({ maxBytes: 50_000 })
    for (let at = 0; at < 400; at += 1)
      send(`select * from t${at} where note = $1`, {
        bindings: ['x'.repeat(400)],
        stack: `f (/app/${at}.ts:1:1)`,
      })
    expect(log.bytes).toBeLessThanOrEqual(50_000)
    const entries = log.snapshot()
    expect(entries.length).toBeGreaterThan(10)
    expect(entries.reduce((sum, { calls }) => sum + calls, log.others.calls)).toBe(400)
  })

  it('counts the bytes of samples and call sites', () => {
    const { log, send } = open()
    send('select $1')
    const before = log.bytes
    for (let at = 0; at < 4; at += 1)
      send('select $1', { bindings: ['x'.repeat(400)], stack: `f (/app/${at}.ts:1:1)` })
    log.snapshot()
    expect(log.bytes - before).toBeGreaterThan(4 * 800 + 3 * 64)
  })

  it('is empty after a reset', () => {
    const { clock, log, send } = open()
    const watched = log.begin('select 1', 'sqlite', analyzeSql('select 1', 'sqlite'), [], undefined)
    log.reset()
    watched?.ended(clock.now(), clock.now() + 1, 1, false)
    expect(log.snapshot()).toEqual([])
    expect(log.bytes).toBe(0)
    expect(log.others.calls).toBe(0)
    send('select 1', { dialect: 'sqlite' })
    expect(log.snapshot()).toHaveLength(1)
  })

  it('reports an internal error, and continues', () => {
    const { errors, log } = open()
    const failing = {
      stack() {
        throw new Error('no stack')
      },
    }
    expect(log.begin('select 1', 'sqlite', analyzeSql('select 1', 'sqlite'), [], failing)).toBeUndefined()
    expect(errors).toMatchObject([{ message: 'no stack' }])
  })

  describe('samples', () => {
    it('are at most 5, distributed evenly over time', () => {
      const seen = Array.from({ length: 10 }, () => 0)
      const random = dice()
      for (let run = 0; run < 400; run += 1) {
        const clock = new FakeClock()
        const log = new WorkloadLog({}, { clock, random })
        const analyzed = analyzeSql('select $1', 'postgresql')
        for (let call = 0; call < 1000; call += 1)
          log.begin('select $1', 'postgresql', analyzed, [call], undefined)
        const samples = log.snapshot()[0]?.samples ?? []
        expect(samples).toHaveLength(5)
        for (const [call] of samples) {
          const tenth = Math.floor((call as number) / 100)
          seen[tenth] = (seen[tenth] ?? 0) + 1
        }
      }
      // 2,000 samples, 200 per 10% of the calls; 80 is 6 standard deviations.
      for (const count of seen) expect(Math.abs(count - 200)).toBeLessThan(80)
    })

    it('are copies without long values', () => {
      const { log, send } = open()
      const date = new Date(5)
      const list = [1, 2]
      const bindings = [
        1,
        2n,
        null,
        'short',
        'x'.repeat(501),
        Buffer.alloc(16, 1),
        Buffer.alloc(65),
        date,
        list,
        { a: 1 },
        new Map(),
        1.5,
      ]
      send('select 1', { bindings })
      date.setTime(0)
      list.push(3)
      expect(log.snapshot()[0]?.samples).toEqual([
        [
          1,
          2n,
          null,
          'short',
          new OmittedValue('text', 501, 'x'.repeat(60)),
          Buffer.alloc(16, 1),
          new OmittedValue('bytes', 65),
          new Date(5),
          [1, 2],
          { a: 1 },
          new OmittedValue('object', 0),
          1.5,
        ],
      ])
    })

    it('fit the stored statement, even if lists of other lengths have the same normalized query', () => {
      const { log, send } = open()
      for (let at = 0; at < 20; at += 1) {
        send('select * from a where id in ($1, $2)', { bindings: [at, at] })
        send('select * from a where id in ($1, $2, $3)', { bindings: [at, at, at] })
      }
      const [entry, ...rest] = log.snapshot()
      expect(rest).toEqual([])
      expect(entry?.samples.map((sample) => sample.length)).toEqual([2, 2, 2, 2, 2])
    })

    it('are omitted for statements that are too long and for too many bindings', () => {
      const { log, send } = open()
      send(`select '${'x'.repeat(20_000)}' = $1`, { ms: 3, bindings: [1] })
      send('select 1', { bindings: Array.from({ length: 2000 }, () => 1) })
      expect(log.snapshot()).toMatchObject([
        { sql: 'select ? = ?', samples: [] },
        { sql: 'select 1', samples: [] },
      ])
    })

    it('are omitted, like literals, when the workload is redacted', () => {
      const { log, send } = open({ redact: true })
      for (let at = 0; at < 10; at += 1)
        send("select * from a where name = 'secret' and id = $1", { bindings: ['secret'] })
      expect(log.snapshot()).toMatchObject([
        { sql: 'select * from a where name = ? and id = ?', samples: [], calls: 10 },
      ])
    })
  })

  describe('call sites', () => {
    it('are sorted by frequency, and are at most 5', () => {
      const { log, send } = open()
      for (let at = 0; at < 6000; at += 1) {
        send('select 1', { stack: at % 3 === 0 ? 'rare (/app/a.ts:3:5)' : 'often (/app/b.ts:7:9)' })
        if (at % 500 === 0) log.snapshot()
      }
      const [entry] = log.snapshot()
      expect(entry?.callSites).toMatchObject([
        { file: '/app/b.ts', line: 7, column: 9, functionName: 'often' },
        { file: '/app/a.ts', line: 3, column: 5, functionName: 'rare' },
      ])
      const [often = { count: 0 }, rare = { count: 0 }] = entry?.callSites ?? []
      expect(often.count + rare.count).toBeGreaterThan(4500)
      expect(often.count / (often.count + rare.count)).toBeCloseTo(2 / 3, 1)
      for (let at = 0; at < 4; at += 1)
        for (let line = 0; line < 4; line += 1) send(`select ${at}, 2`, { stack: `f (/app/${line}.ts:1:1)` })
      for (let at = 0; at < 4000; at += 1) send('select 1, 2, 3', { stack: `f (/app/${at % 9}.ts:1:1)` })
      for (const { callSites } of log.snapshot()) expect(callSites.length).toBeLessThanOrEqual(5)
    })

    it('are captured for the first calls and for few of the others', () => {
      const { log } = open()
      const analyzed = analyzeSql('select 1', 'sqlite')
      let asked = 0
      const caller = {
        stack() {
          asked += 1
          return captureStack()
        },
      }
      const sendMany = (count: number) => {
        for (let at = 0; at < count; at += 1) {
          log.begin('select 1', 'sqlite', analyzed, [], caller)
          if (at % 500 === 0) log.snapshot()
        }
      }
      sendMany(4)
      expect(asked).toBe(2)
      sendMany(4_000)
      expect(asked).toBeGreaterThan(20)
      expect(asked).toBeLessThan(90)
      sendMany(100_000)
      expect(asked).toBeLessThan(450)
      expect(log.snapshot()[0]?.callSites[0]?.file).toContain('workload-log.test.ts')
    })

    it('are read later, and captured only while few wait to be read', () => {
      vi.useFakeTimers()
      onTestFinished(() => void vi.useRealTimers())
      const { log } = open()
      const [captured, read] = [new Set<number>(), new Set<number>()]
      const sendEach = () => {
        for (let at = 0; at < 40; at += 1) {
          const sql = `select ${'1, '.repeat(at)}1`
          const stack = () => {
            captured.add(at)
            return {
              get stack() {
                read.add(at)
                return `Error\n    at f (/app/${at}.ts:1:1)`
              },
            }
          }
          log.begin(sql, 'sqlite', analyzeSql(sql, 'sqlite'), [], { stack })
        }
      }
      sendEach()
      expect([captured.size, read.size]).toEqual([4, 0])
      // A shape is captured at its first two calls.
      for (let time = 0; time < 30; time += 1) {
        const before = captured.size
        vi.advanceTimersByTime(250)
        expect(read.size).toBe(before)
        sendEach()
        expect(captured.size - before).toBeLessThanOrEqual(4)
      }
      expect(read.size).toBe(40)
      for (const { callSites } of log.snapshot()) expect(callSites).toHaveLength(1)
    })
  })
})
