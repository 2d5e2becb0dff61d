import { AsyncLocalStorage } from 'node:async_hooks'
import type { SluiceOptions } from '@sluice/core'
import type { Contender, Operation } from '../harness.ts'
import { require } from './drivers.ts'
import { withFloor } from './floor.ts'
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
import type { Peer } from './peers/peer.ts'
import { knexPrograms, type Program, type ProgramName, prismaPrograms } from './programs.ts'

export const ORMS = ['Knex', 'Prisma', 'Kysely', 'Drizzle'] as const
export type Orm = (typeof ORMS)[number]

/**
 * `bare` is an app with an `AsyncLocalStorage`, as most have one; on Prisma with an extension that does
 * nothing. The variants in development are `observe` and the app without Sluice.
 */
export const VARIANTS = [
  'bare',
  'floor',
  'observe',
  'optimize',
  'optimize, cache',
  'bare, development',
  'development',
  'OpenTelemetry',
  'dd-trace',
  'Sentry',
] as const
export type Variant = (typeof VARIANTS)[number]

export const PEERS = ['OpenTelemetry', 'dd-trace', 'Sentry'] as const satisfies readonly Variant[]

/** The variant that one is compared with. */
export function baselineOf(variant: Variant): Variant {
  return variant === 'development' || variant === 'bare, development' ? 'bare, development' : 'bare'
}

/** Whether a variant exists: a peer does for the ORMs and drivers whose queries it traces. */
function exists(orm: Orm, database: DatabaseName, variant: Variant): boolean {
  if (variant === 'OpenTelemetry') return isInstrumented(orm)
  if (variant === 'dd-trace') return database === 'PostgreSQL'
  if (variant === 'Sentry') return database === 'PostgreSQL' || isInstrumented(orm)
  return true
}

function isInstrumented(orm: Orm): orm is 'Knex' | 'Prisma' {
  return orm === 'Knex' || orm === 'Prisma'
}

export interface OverheadContender extends Contender {
  readonly variant: Variant
}

export function contenders(
  orm: Orm,
  database: DatabaseName,
  program: ProgramName,
  variants: readonly Variant[] = VARIANTS,
): readonly OverheadContender[] {
  return variants
    .filter((variant) => exists(orm, database, variant))
    .map((variant) => ({
      name: nameOf(orm, database, program, variant),
      variant,
      environment: baselineOf(variant) === 'bare' ? 'production' : 'development',
      open: () => open(orm, database, program, variant),
    }))
}

export function nameOf(orm: Orm, database: DatabaseName, program: ProgramName, variant: Variant): string {
  return `${orm}, ${database}, ${program}, ${variant}`
}

const OPTIONS: Readonly<Partial<Record<Variant, SluiceOptions>>> = {
  observe: { mode: 'observe' },
  optimize: { mode: 'optimize', cache: false },
  'optimize, cache': { mode: 'optimize', cache: { ttl: 60 } },
  development: { mode: 'observe' },
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
  const run = variant === 'floor' ? withFloor(programs[program], program) : programs[program]
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
  const peer = await startPeer(orm, variant)
  const { programs, end } = await openOrm(database)
  if (peer !== undefined) {
    const close = async () => {
      await end()
      await peer.close()
    }
    return { programs, close, request: (program) => peer.request(async () => void (await program())) }
  }
  const request = new AsyncLocalStorage<object>()
  return { programs, close: end, request: (program) => request.run({}, program) }
}

async function startPeer(orm: Orm, variant: Variant): Promise<Peer | undefined> {
  if (variant === 'OpenTelemetry' && isInstrumented(orm))
    return (await import('./peers/opentelemetry.ts')).startOpenTelemetry(orm)
  if (variant === 'dd-trace') return (await import('./peers/datadog.ts')).startDatadog()
  if (variant === 'Sentry') return (await import('./peers/sentry.ts')).startSentry()
  return undefined
}

const OPENED: Readonly<Record<Orm, (database: DatabaseName, sluice?: BenchSluice) => Promise<OpenedOrm>>> = {
  Knex: openKnex,
  Prisma: openPrisma,
  Kysely: openKysely,
  Drizzle: openDrizzle,
}

async function openKnex(database: DatabaseName, sluice?: BenchSluice): Promise<OpenedOrm> {
  const knex = require('knex') as typeof import('knex').default
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
      : new (require('@prisma/adapter-pg') as typeof import('@prisma/adapter-pg')).PrismaPg({
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
