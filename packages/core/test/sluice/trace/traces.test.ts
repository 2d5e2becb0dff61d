import { createSluice, type SluiceOptions } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { TracedOperation } from '../../../src/yield/trace.ts'
import { estimateYield, savedOf, type YieldReport } from '../../../src/yield/yield-report.ts'
import { MemoryDatabase } from '../../query/prefetch/memory-database.ts'

const CITIES = Array.from({ length: 20 }, (_, at) => ({ id: at + 1, region_id: (at % 10) + 1 }))
const REGIONS = Array.from({ length: 10 }, (_, at) => ({ id: at + 1, country_id: (at % 5) + 1 }))
const COUNTRIES = Array.from({ length: 5 }, (_, at) => ({ id: at + 1 }))

function open(options: SluiceOptions): MemoryDatabase {
  const sluice = createSluice({ detection: false, ...options })
  onTestFinished(() => sluice.close())
  const reference = (table: string, column: string, references: string) => ({
    table,
    columns: [column],
    references,
    referencedColumns: ['id'],
  })
  return new MemoryDatabase(sluice, { city: CITIES, region: REGIONS, country: COUNTRIES }, [
    reference('city', 'region_id', 'region'),
    reference('region', 'country_id', 'country'),
  ])
}

type Program = (database: MemoryDatabase) => Promise<unknown>

async function traced(program: Program, options: SluiceOptions = {}): Promise<MemoryDatabase> {
  const database = open(options)
  const { trace } = hostOf(database.sluice)
  await trace.openWindow()
  await program(database)
  return database
}

function reportOf({ sluice }: MemoryDatabase): YieldReport {
  const trace = hostOf(sluice).trace.read()
  if (trace === undefined) throw new Error('Expected a trace.')
  return estimateYield(trace)
}

/** The statements that remain, as predicted in `observe` and as sent in `optimize`. */
async function compared(program: Program, options: SluiceOptions = {}) {
  const report = reportOf(await traced(program, options))
  const optimized = open({ mode: 'optimize', ...options })
  await program(optimized)
  return { predicted: report.statements - savedOf(report), sent: optimized.queries.length }
}

const regionOf = (database: MemoryDatabase, id: unknown) => database.one('region', { id })

const nestedLoops: Program = (database) =>
  database.sluice.run(async () => {
    for (const city of await database.list('city')) {
      const region = await regionOf(database, city.region_id)
      await database.one('country', { id: region?.country_id })
    }
  })

const programs: Readonly<Record<string, Program>> = {
  'repeated reads': async (database) => {
    for (let at = 0; at < 3; at += 1) await database.sluice.run(() => database.list('city'))
  },
  'reads after a write': async (database) => {
    for (let at = 0; at < 4; at += 1) {
      await database.sluice.run(() => database.list('city'))
      if (at === 1) await database.sluice.run(() => database.write('city', () => {}))
    }
  },
  'lookups that are issued together': (database) =>
    database.sluice.run(() => Promise.all([1, 2, 3, 4, 2].map((id) => regionOf(database, id)))),
  'lookups that follow from lookups': (database) =>
    database.sluice.run(() =>
      Promise.all(
        [1, 2, 3, 4, 6].map(async (id) => {
          const region = await regionOf(database, id)
          return database.one('country', { id: region?.country_id })
        }),
      ),
    ),
  'a loop over rows': (database) =>
    database.sluice.run(async () => {
      for (const city of await database.list('city')) await regionOf(database, city.region_id)
    }),
  'a loop over rows, again with a part of them cached': async (database) => {
    await database.sluice.run(() => Promise.all([1, 2, 3].map((id) => regionOf(database, id))))
    await database.sluice.run(async () => {
      for (const city of await database.list('city')) await regionOf(database, city.region_id)
    })
  },
  'a loop that writes': (database) =>
    database.sluice.run(async () => {
      for (const city of await database.list('city')) {
        await regionOf(database, city.region_id)
        if (city.id === 9) await database.write('region', () => {})
      }
    }),
  'reads outside any scope': async (database) => {
    await Promise.all([1, 2, 3].map((id) => regionOf(database, id)))
  },
  'reads in a transaction': (database) =>
    database.sluice.run(async () => {
      const read = () => database.ask('region', { where: { id: 1 }, unique: true, inTransaction: true })
      await read()
      await read()
    }),
  'reads in a bypass': async (database) => {
    const read = () => database.sluice.run(() => database.sluice.bypass(() => database.list('city')))
    await read()
    await read()
  },
}

describe('a trace', () => {
  it.each(Object.keys(programs))('predicts the queries of %s', async (name) => {
    const { predicted, sent } = await compared(programs[name] as Program)
    expect(predicted).toBe(sent)
  })

  it.each([
    ['cache: false', { cache: false }],
    ['batch: false', { batch: false }],
    ['prefetch: false', { prefetch: false }],
    ['exclude', { exclude: ['region'] }],
    ['cache.tables', { cache: { tables: ['city'] } }],
  ] as const)('predicts the effect of the option %s', async (_, options) => {
    for (const [name, program] of Object.entries(programs)) {
      const { predicted, sent } = await compared(program, options)
      expect({ name, predicted }).toEqual({ name, predicted: sent })
    }
  })

  it('does not know the rows that a loop fetches ahead, so loops over these rows begin later', async () => {
    const { predicted, sent } = await compared(nestedLoops)
    expect([predicted, sent]).toEqual([9, 6])
  })

  it('contains the reasons why reads are not optimized', async () => {
    const reasonsIn = async (name: string) =>
      reportOf(await traced(programs[name] as Program)).missed.map(({ reason }) => reason)
    expect(await reasonsIn('reads in a transaction')).toEqual(['cache:IN_TRANSACTION'])
    expect(await reasonsIn('reads in a bypass')).toEqual(['cache:BYPASSED'])
    expect(await reasonsIn('reads outside any scope')).toEqual(['batch:NO_SCOPE'])
  })

  it('contains the reads of scopes in observe, and the writes of all', async () => {
    const database = await traced(() => Promise.resolve())
    await database.sluice.run(() => database.list('city'), { mode: 'optimize' })
    expect(hostOf(database.sluice).trace.read()?.events).toEqual([])
    await database.sluice.run(() => database.list('city'))
    await database.sluice.run(() => database.write('city', () => {}), { mode: 'optimize' })
    expect(
      hostOf(database.sluice)
        .trace.read()
        ?.events.map(({ type }) => type),
    ).toEqual(['operation', 'statement', 'statement'])
  })

  it('contains no values', async () => {
    const database = await traced((one) => one.sluice.run(() => one.one('region', { id: 4711 })))
    const trace = hostOf(database.sluice).trace.read()
    expect(JSON.stringify([trace?.events, ...(trace?.queries.values() ?? [])])).not.toContain('4711')
  })

  it('has different hashes in each recording', async () => {
    const keyIn = async () => {
      const database = await traced((one) => one.sluice.run(() => one.list('city')))
      const events = hostOf(database.sluice).trace.read()?.events ?? []
      const read = events.find((event): event is TracedOperation => event.type === 'operation')
      return (read?.cache as { readonly key: string } | undefined)?.key
    }
    expect(await keyIn()).not.toBe(await keyIn())
  })

  it('records nothing before it is opened and after it is closed', async () => {
    const database = open({})
    const { trace } = hostOf(database.sluice)
    await database.list('city')
    expect([trace.current, trace.read(), hostOf(database.sluice).isOptimizing()]).toEqual([
      undefined,
      undefined,
      false,
    ])
    await trace.openWindow()
    expect(hostOf(database.sluice).isOptimizing()).toBe(true)
    trace.closeWindow()
    expect([trace.current, hostOf(database.sluice).isOptimizing()]).toEqual([undefined, false])
    await database.list('city')
    expect(database.queries).toHaveLength(2)
  })

  it('passes errors of the database and of Sluice to the same places as without a trace', async () => {
    const errors: unknown[] = []
    const database = await traced(() => Promise.resolve(), {
      context: () => {
        throw new Error('context')
      },
    })
    database.sluice.on('error', (error) => errors.push(error))
    await expect(database.sluice.run(() => database.list('city'))).resolves.toHaveLength(20)
    expect(errors).toEqual([new Error('context')])
    database.beforeQuery = () => Promise.reject(new Error('database'))
    await expect(database.list('city')).rejects.toThrow('database')
  })
})
