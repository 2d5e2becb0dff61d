import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import type { createSluice, SluiceOptions } from '@sluice/core'
import type { Contender, Operation } from '../harness.ts'
import { knexPrograms, type ProgramName, prismaPrograms } from './programs.ts'
import { startTracing } from './tracing.ts'

export type Orm = 'Knex' | 'Prisma'
export type DatabaseName = 'SQLite' | 'PostgreSQL'
/**
 * `bare` is an app with an `AsyncLocalStorage`, as most have one; on Prisma with an extension that does
 * nothing.
 */
export const VARIANTS = ['bare', 'observe', 'optimize', 'optimize, cache', 'OpenTelemetry'] as const
export type Variant = (typeof VARIANTS)[number]

/** The variable with the path of the SQLite database. */
export const SQLITE_FILE = 'SLUICE_BENCH_FILE'
const POSTGRES_URL = 'SLUICE_BENCH_POSTGRES_URL'

/** The variables with the databases of the contenders' processes. */
export function offer(file: string, url: string | undefined): void {
  process.env[SQLITE_FILE] = file
  process.env[POSTGRES_URL] = url ?? ''
}

export function contenders(orm: Orm, database: DatabaseName, program: ProgramName): readonly Contender[] {
  return VARIANTS.map((variant) => ({
    name: `${orm}, ${database}, ${program}, ${variant}`,
    open: () => open(orm, database, program, variant),
  }))
}

const OPTIONS: Readonly<Partial<Record<Variant, SluiceOptions>>> = {
  observe: { mode: 'observe' },
  optimize: { mode: 'optimize', cache: false },
  'optimize, cache': { mode: 'optimize', cache: { ttl: 60 } },
}

/** An app whose requests run in a scope, or in the equivalent of the variant. */
interface App {
  readonly request: (program: () => Promise<unknown>) => Promise<unknown>
  readonly programs: Readonly<Record<ProgramName, () => Promise<unknown>>>
  close(): Promise<unknown>
  readonly told?: NonNullable<Operation['told']>
}

async function open(
  orm: Orm,
  database: DatabaseName,
  program: ProgramName,
  variant: Variant,
): Promise<Operation> {
  const { request, programs, close, told } = await openApp(orm, database, variant)
  const run = programs[program]
  return {
    async run(iterations) {
      for (let at = 0; at < iterations; at += 1) await request(run)
    },
    close: async () => void (await close()),
    ...(told === undefined ? {} : { told }),
  }
}

async function openApp(orm: Orm, database: DatabaseName, variant: Variant): Promise<App> {
  const options = OPTIONS[variant]
  const openOrm = orm === 'Knex' ? openKnex : openPrisma
  if (options !== undefined) {
    const core = await import('@sluice/core')
    const sluice = core.createSluice(options)
    const { programs, end } = await openOrm(database, sluice)
    const close = async () => {
      await end()
      await sluice.close()
    }
    const told = () => {
      const { msPerScope = 0, timedScopes } = sluice.queries.getStats().overhead
      return { ms: msPerScope * timedScopes, times: timedScopes }
    }
    return { programs, close, told, request: (program) => sluice.run(program, { name: 'GET /page' }) }
  }
  if (variant === 'OpenTelemetry') {
    const tracing = startTracing(orm)
    const { programs, end } = await openOrm(database)
    const close = async () => {
      await end()
      await tracing.close()
    }
    return { programs, close, request: (program) => tracing.request(async () => void (await program())) }
  }
  const request = new AsyncLocalStorage<object>()
  const { programs, end } = await openOrm(database)
  return { programs, close: end, request: (program) => request.run({}, program) }
}

type Sluice = ReturnType<typeof createSluice>

interface OpenedOrm {
  readonly programs: App['programs']
  end(): Promise<unknown>
}

async function openKnex(database: DatabaseName, sluice?: Sluice): Promise<OpenedOrm> {
  // Instrumentations patch modules that are loaded by `require`.
  const knex = createRequire(import.meta.url)('knex') as typeof import('knex').default
  const db =
    database === 'SQLite'
      ? knex({
          client: 'better-sqlite3',
          connection: { filename: process.env[SQLITE_FILE] ?? '' },
          useNullAsDefault: true,
        })
      : knex({ client: 'pg', connection: process.env[POSTGRES_URL] ?? '', pool: { min: 2, max: 2 } })
  if (sluice !== undefined) (await import('@sluice/knex')).withSluice(db, sluice)
  return { programs: knexPrograms(db), end: () => db.destroy() }
}

async function openPrisma(database: DatabaseName, sluice?: Sluice): Promise<OpenedOrm> {
  const adapter =
    database === 'SQLite'
      ? new (await import('@prisma/adapter-better-sqlite3')).PrismaBetterSqlite3({
          url: `file:${process.env[SQLITE_FILE] ?? ''}`,
        })
      : new (await import('@prisma/adapter-pg')).PrismaPg({
          connectionString: process.env[POSTGRES_URL] ?? '',
          max: 2,
        })
  const { PrismaClient } =
    database === 'SQLite'
      ? await import('../../generated/sqlite/client/client.ts')
      : ((await import(
          '../../generated/postgresql/client/client.ts'
        )) as unknown as typeof import('../../generated/sqlite/client/client.ts'))
  if (sluice === undefined) {
    const client = new PrismaClient({ adapter })
    const extended = client.$extends({ query: { $allOperations: ({ args, query }) => query(args) } })
    return { programs: prismaPrograms(extended as unknown as typeof client), end: () => client.$disconnect() }
  }
  const { sluiceAdapter, withSluice } = await import('@sluice/prisma')
  const { schema } =
    database === 'SQLite'
      ? await import('../../generated/sqlite/sluice/index.js')
      : await import('../../generated/postgresql/sluice/index.js')
  const client = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) })
  return {
    programs: prismaPrograms(client.$extends(withSluice(sluice, { schema })) as unknown as typeof client),
    end: () => client.$disconnect(),
  }
}
