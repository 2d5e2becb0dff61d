import { analyzeSql, createSluice } from '@sluice/core'
import type { Operation, Shape } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'
import { requestPage } from '../../src/pages/requests-page.ts'
import { processIdentity } from '../../src/processes/process-identity.ts'
import type { RequestDetail } from '../../src/protocol/index.ts'
import { RequestRecorder } from '../../src/recorder/request-recorder.ts'
import { MAX_ROW_TICKS, MAX_ROWS } from '../../src/recorder/request-trace.ts'
import { execute, FakeClock, shapeOf } from '../world.ts'

function open(options: { readonly showParameters?: boolean; readonly maxBytes?: number } = {}) {
  const clock = new FakeClock()
  const sluice = createSluice({ clock })
  const recorder = new RequestRecorder(sluice, {
    idPrefix: 'abcd',
    maxBytes: 1_000_000,
    showParameters: false,
    ...options,
  })
  onTestFinished(() => recorder.close())
  const muted = new Set<string>()
  const newest = (): RequestDetail => {
    const [request] = recorder.ring.newest(1)
    return requestPage(
      { recorder, muted, process: processIdentity('app') },
      request?.id ?? '',
    ) as RequestDetail
  }
  return { clock, sluice, recorder, newest }
}

const cities = shapeOf('City.findMany')
const region = shapeOf('Region.findUnique where id', {
  follows: (listing: Shape) => listing === cities,
  fix: (parent: Shape | undefined) => (parent === cities ? 'include: { region: true }' : 'in: ids'),
})

describe('stored request', () => {
  it('has one row for an N+1, with a tick per query, below its parent query', async () => {
    const { clock, sluice, newest } = open()
    await sluice.run(
      () => {
        execute(sluice, cities, { ms: 3, rows: 6 }, clock)
        execute(sluice, shapeOf('Other.findMany'), { ms: 1, rows: 2 }, clock)
        for (let at = 0; at < 6; at += 1) execute(sluice, region, { ms: 2, values: { id: at } }, clock)
      },
      { name: 'GET /cities' },
    )
    const { rows, queries, databaseMs, found } = newest()
    expect(rows.map(({ label, count, parent }) => [label, count, parent])).toEqual([
      ['City.findMany', 1, null],
      ['Other.findMany', 1, null],
      ['Region.findUnique where id', 6, 0],
    ])
    expect(rows[2]).toMatchObject({
      startMs: 4,
      endMs: 16,
      databaseMs: 12,
      rows: 6,
      fix: 'include: { region: true }',
      fill: 'database',
    })
    expect(rows[2]?.ticks).toEqual([4, 6, 8, 10, 12, 14].map((start) => [start, 2, 1, 0]))
    expect({ queries, databaseMs }).toEqual({ queries: 8, databaseMs: 16 })
    expect(found.map(({ code, key }) => [code, key])).toEqual([['N_PLUS_ONE', rows[2]?.finding]])
  })

  it('shows failed and concurrent queries', async () => {
    const { clock, sluice, newest } = open()
    const { recorder, scopes } = hostOf(sluice)
    await sluice.run(() => {
      const [first, second] = [
        recorder.begin(scopes.current(), region, {}),
        recorder.begin(scopes.current(), region, {}),
      ]
      clock.advance(5)
      recorder.end(first, 1, {})
      recorder.end(second, 0, {}, true)
    })
    expect(newest().rows[0]).toMatchObject({ count: 2, failed: 1, parallel: 1, ticks: [[0, 5, 1, 0], [0, 5, 0, 1]] }) // biome-ignore format: a table
  })

  it('contains parameters of the first queries only with showParameters', async () => {
    const secret = { email: 'ada@example.com' }
    for (const showParameters of [false, true]) {
      const { sluice, newest } = open({ showParameters })
      await sluice.run(() => execute(sluice, region, { values: secret }))
      expect(newest().rows[0]?.parameters).toEqual(showParameters ? [JSON.stringify(secret)] : null)
    }
  })

  it('has statements below their operation, and a statement that is an operation once', async () => {
    const { clock, sluice, newest } = open()
    const { recorder, scopes, watch } = hostOf(sluice)
    const analyzed = analyzeSql('SELECT * FROM region WHERE id = 7', 'sqlite')
    const send = () => watch?.begin('', 'sqlite', analyzed, [], undefined)
    await sluice.run(() => {
      const operation = recorder.begin(scopes.current(), region, {})
      const sent = send()
      clock.advance(2)
      sent?.ended(1_000, 1_002, 1, false)
      recorder.end(operation, 1, {})
    })
    expect(newest().rows.map(({ level, parent, label, dialect }) => [level, parent, label, dialect])).toEqual(
      [
        ['operation', null, region.label, null],
        ['statement', 0, 'SELECT * FROM region WHERE id = ?', 'sqlite'],
      ],
    )
    const statement = { fingerprint: analyzed.fingerprint, label: analyzed.shape, kind: 'read' } as const
    await sluice.run(() => {
      for (let at = 0; at < 2; at += 1) {
        const sent = send()
        const execution = recorder.begin(scopes.current(), statement, {})
        sent?.ended(execution.startedAt, recorder.end(execution, 1, {}), 1, false)
      }
    })
    expect(newest().rows.map(({ level, count, dialect }) => [level, count, dialect])).toEqual([
      ['operation', 2, 'sqlite'],
    ])
  })

  it('does not guess the operation of a statement', async () => {
    const { sluice, newest } = open()
    const { recorder, scopes, watch } = hostOf(sluice)
    await sluice.run(() => {
      const both = [
        recorder.begin(scopes.current(), region, {}),
        recorder.begin(scopes.current(), cities, {}),
      ]
      watch
        ?.begin('', 'sqlite', analyzeSql('SELECT 1 FROM a', 'sqlite'), [], undefined)
        ?.ended(1_000, 1_001, 1, false)
      for (const one of both) recorder.end(one, 1, {})
    })
    expect(newest().rows.find(({ level }) => level === 'statement')?.parent).toBeNull()
  })

  it('shows reads that needed no separate query', async () => {
    const { clock, sluice, newest } = open()
    const { scopes } = hostOf(sluice)
    const operation = { shape: region, source: { dialect: 'sqlite' } } as unknown as Operation<unknown>
    await sluice.run(() => {
      execute(sluice, region, { ms: 4 }, clock)
      const trace = scopes.current()?.trace
      trace?.saved(operation, 'batch', 3, 1_000)
      trace?.saved(operation, 'cache', 1)
      trace?.saved(operation, 'cache', 1)
    })
    const fills = newest().rows.map(({ fill, count, parent, databaseMs, ticks }) => ({
      fill,
      count,
      parent,
      databaseMs,
      ticks: ticks.length,
    }))
    expect(fills).toContainEqual({ fill: 'database', count: 1, parent: null, databaseMs: 4, ticks: 1 })
    expect(fills).toContainEqual({ fill: 'cache', count: 2, parent: 0, databaseMs: 0, ticks: 2 })
    expect(fills).toContainEqual(expect.objectContaining({ fill: 'batch', count: 3, databaseMs: 0 }))
  })

  it('limits rows and ticks, and counts the rest', async () => {
    const { sluice, newest } = open()
    await sluice.run(() => {
      for (let at = 0; at < MAX_ROW_TICKS + 50; at += 1) execute(sluice, region, { values: at })
      for (let at = 0; at < MAX_ROWS + 20; at += 1) execute(sluice, shapeOf(`Shape ${at}`))
    })
    const { rows, omittedRows } = newest()
    expect(rows).toHaveLength(MAX_ROWS)
    expect(omittedRows).toBe(21)
    const all = rows.find(({ label }) => label === region.label)
    expect([all?.count, all?.ticks.length]).toEqual([MAX_ROW_TICKS + 50, MAX_ROW_TICKS])
  })

  it('contains the call site as soon as a stack contains one', async () => {
    const { sluice, newest } = open()
    const { recorder, scopes } = hostOf(sluice)
    const stack = 'Error\n    at list (/app/src/cities.ts:41:28)'
    await sluice.run(() => {
      for (let at = 0; at < 2; at += 1)
        recorder.end(recorder.begin(scopes.current(), region, { stack: () => ({ stack }) }), 1, {})
    })
    expect(newest().rows[0]?.callSite).toMatchObject({
      file: '/app/src/cities.ts',
      line: 41,
      column: 28,
      functionName: 'list',
    })
  })
})

describe('recorder', () => {
  it('omits requests to Sluice, like the Sluice instance and its monitor', async () => {
    const { sluice, recorder } = open()
    const told: string[] = []
    sluice.on('scope', ({ name }) => void told.push(name))
    await sluice.run(
      () => {
        const scope = hostOf(sluice).scopes.current()
        if (scope !== undefined) scope.isOwn = true
        for (let at = 0; at < 9; at += 1) execute(sluice, region, { values: at })
      },
      { name: 'GET /_sluice/api/stream' },
    )
    await sluice.run(() => {}, { name: 'GET /cities' })
    expect(told).toEqual(['GET /cities'])
    expect(recorder.ring.newest(5).map(({ name }) => name)).toEqual(['GET /cities'])
    expect(sluice.queries.getNPlusOnePatterns()).toEqual([])
    const families = await sluice.monitor?.collectMetrics()
    expect(JSON.stringify(families)).not.toContain('_sluice')
  })

  it('assigns findings to their request, also if requests are nested', async () => {
    const { sluice, recorder } = open()
    const loop = () => {
      for (let at = 0; at < 6; at += 1) execute(sluice, region, { values: at })
    }
    await sluice.run(
      async () => {
        await sluice.run(loop, { name: 'inner' })
        execute(sluice, cities)
      },
      { name: 'outer' },
    )
    expect(recorder.ring.newest(2).map(({ name, findings }) => [name, findings.length])).toEqual([['outer', 0], ['inner', 1]]) // biome-ignore format: a table
  })

  it('returns the newest request of a finding while it is stored', async () => {
    const { sluice, recorder } = open({ maxBytes: 65_536 })
    const loop = () => {
      for (let at = 0; at < 6; at += 1) execute(sluice, region, { values: at })
    }
    await sluice.run(loop, { name: 'GET /a' })
    const [request] = recorder.ring.newest(1)
    const key = [...sluice.queries.getNPlusOnePatterns()].map(
      ({ id, scope }) => `${id} ${scope}`,
    )[0] as string
    expect(recorder.traceOf(key).request).toBe(request?.id)
    for (let at = 0; at < 400; at += 1)
      await sluice.run(() => execute(sluice, shapeOf(`S${at % 7}`)), { name: 'GET /b' })
    expect(recorder.traceOf(key)).toMatchObject({ request: null, lastAt: expect.any(Number) })
  })

  it('records nothing after close, also in later scopes', async () => {
    const { sluice, recorder } = open()
    recorder.close()
    await sluice.run(() => {
      expect(hostOf(sluice).scopes.current()?.trace).toBeUndefined()
      execute(sluice, region)
    })
    expect(recorder.requests).toBe(0)
  })

  it('adds no cost to scopes without a recorder', async () => {
    const sluice = createSluice()
    const own = hostOf(sluice).watch
    const recorder = new RequestRecorder(sluice, {
      idPrefix: 'abcd',
      maxBytes: 65_536,
      showParameters: false,
    })
    expect(hostOf(sluice).watch).not.toBe(own)
    recorder.close()
    expect(hostOf(sluice).watch).toBe(own)
  })
})
