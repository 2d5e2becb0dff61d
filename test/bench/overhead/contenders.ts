import { AsyncLocalStorage } from 'node:async_hooks'
import { createRequire } from 'node:module'
import type { SluiceOptions } from '@sluice/core'
import type { Contender, Operation } from '../harness.ts'
import { openDrizzle } from './open-drizzle.ts'
import { openKysely } from './open-kysely.ts'
import {
  type BenchSluice,
  type DatabaseName,
  type OpenedOrm,
  POOL,
  POSTGRES_URL,
  SQLITE_FILE,
} from './opened-orm.ts'
import { knexPrograms, type Program, type ProgramName, prismaPrograms } from './programs.ts'
import { startTracing } from './tracing.ts'

export type Orm = 'Knex' | 'Prisma' | 'Kysely' | 'Drizzle'
/**
 * `bare` is an app with an `AsyncLocalStorage`, as most have one; on Prisma with an extension that does
 * nothing.
 */
const VARIANTS = ['bare', 'observe', 'optimize', 'optimize, cache', 'OpenTelemetry'] as const
export type Variant = (typeof VARIANTS)[number]

/** The variants of an ORM. OpenTelemetry has no instrumentation for Kysely and Drizzle. */
export function variantsOf(orm: Orm): readonly Variant[] {
  return isTraced(orm) ? VARIANTS : VARIANTS.filter((variant) => variant !== 'OpenTelemetry')
}

function isTraced(orm: Orm): orm is 'Knex' | 'Prisma' {
  return orm === 'Knex' || orm === 'Prisma'
}

export function contenders(orm: Orm, database: DatabaseName, program: ProgramName): readonly Contender[] {
  return variantsOf(orm).map((variant) => ({
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
  readonly request: (program: Program) => PromiseLike<unknown>
  readonly programs: OpenedOrm['programs']
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
  const openOrm = OPENED[orm]
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
  if (variant === 'OpenTelemetry' && isTraced(orm)) {
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

const OPENED: Readonly<Record<Orm, (database: DatabaseName, sluice?: BenchSluice) => Promise<OpenedOrm>>> = {
  Knex: openKnex,
  Prisma: openPrisma,
  Kysely: openKysely,
  Drizzle: openDrizzle,
}

async function openKnex(database: DatabaseName, sluice?: BenchSluice): Promise<OpenedOrm> {
  // Instrumentations patch modules that are loaded by `require`.
  const knex = createRequire(import.meta.url)('knex') as typeof import('knex').default
  const db =
    database === 'SQLite'
      ? knex({
          client: 'better-sqlite3',
          connection: { filename: process.env[SQLITE_FILE] ?? '' },
          useNullAsDefault: true,
        })
      : knex({ client: 'pg', connection: process.env[POSTGRES_URL] ?? '', pool: { min: POOL, max: POOL } })
  if (sluice !== undefined) (await import('@sluice/knex')).withSluice(db, sluice)
  return { programs: knexPrograms(db), end: () => db.destroy() }
}

async function openPrisma(database: DatabaseName, sluice?: BenchSluice): Promise<OpenedOrm> {
  const adapter =
    database === 'SQLite'
      ? new (await import('@prisma/adapter-better-sqlite3')).PrismaBetterSqlite3({
          url: `file:${process.env[SQLITE_FILE] ?? ''}`,
        })
      : new (await import('@prisma/adapter-pg')).PrismaPg({
          connectionString: process.env[POSTGRES_URL] ?? '',
          max: POOL,
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
      ? await import('../../generated/sqlite/sluice/index.ts')
      : await import('../../generated/postgresql/sluice/index.ts')
  const client = new PrismaClient({ adapter: sluiceAdapter(adapter, sluice) })
  return {
    programs: prismaPrograms(client.$extends(withSluice(sluice, { schema })) as unknown as typeof client),
    end: () => client.$disconnect(),
  }
}
