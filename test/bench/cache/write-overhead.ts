import { readFileSync } from 'node:fs'
import { PrismaPg } from '@prisma/adapter-pg'
import { createSluice, type Sluice } from '@sluice/core'
import { withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import knex from 'knex'
import { PrismaClient } from '../../generated/postgresql/client/client.ts'
import { schema } from '../../generated/postgresql/sluice/index.ts'
import { onPostgres } from '../../services/postgres.ts'
import { catalogsRead } from '../../support/catalog-read.ts'
import { type Contender, type Measured, measure, type Operation } from '../harness.ts'
import { countedRedis } from './counted-redis.ts'
import type { CacheFigure } from './figure.ts'
import { openStore } from './open-store.ts'
import { POSTGRES_URL, REDIS_URL } from './services.ts'

const ROWS = 200

type Kind = 'bare' | 'embedded' | 'strict'
type Update = (id: number, name: string) => PromiseLike<unknown>

interface Writer {
  readonly update: Update
  /** Commands sent to the store since the last call. */
  readonly taken: () => string[]
  close(): Promise<unknown>
}

interface SluiceParts {
  readonly sluice: Sluice
  readonly taken: () => string[]
  close(): Promise<void>
}

const postgresUrl = () => process.env[POSTGRES_URL] ?? ''

async function openSluice(kind: Kind): Promise<SluiceParts | undefined> {
  if (kind === 'bare') return undefined
  if (kind === 'embedded') {
    const sluice = createSluice({ mode: 'optimize' })
    return { sluice, taken: () => [], close: () => sluice.close() }
  }
  const { redis, taken } = countedRedis(process.env[REDIS_URL] ?? '')
  const { store } = await openStore('bench-writes', redis)
  const sluice = createSluice({ mode: 'optimize', cache: { store, consistency: 'strict' } })
  return {
    sluice,
    taken,
    close: async () => {
      await sluice.close()
      redis.disconnect()
    },
  }
}

async function openKnex(kind: Kind): Promise<Writer> {
  const parts = await openSluice(kind)
  const bare = knex({ client: 'pg', connection: postgresUrl(), pool: { min: 1, max: 2 } })
  const db = parts === undefined ? bare : withSluiceKnex(bare, parts.sluice)
  await db('authors').first()
  if (parts !== undefined) await catalogsRead(parts.sluice)
  return {
    update: (id, name) => db('authors').where({ id }).update({ full_name: name }),
    taken: parts?.taken ?? (() => []),
    close: async () => {
      await parts?.close()
      await db.destroy()
    },
  }
}

async function openPrisma(kind: Kind): Promise<Writer> {
  const parts = await openSluice(kind)
  const adapter = new PrismaPg({ connectionString: postgresUrl(), max: 2 })
  // Like in apps whose NODE_ENV is `production`.
  const errorFormat = 'minimal'
  const client = new PrismaClient({
    errorFormat,
    adapter: parts === undefined ? adapter : sluiceAdapter(adapter, parts.sluice),
  })
  const extended =
    parts === undefined
      ? client.$extends({ query: { $allOperations: ({ args, query }) => query(args) } })
      : client.$extends(withSluice(parts.sluice, { schema }))
  const prisma = extended as unknown as typeof client
  await prisma.author.findFirst()
  if (parts !== undefined) await catalogsRead(parts.sluice)
  return {
    update: (id, name) => prisma.author.update({ where: { id }, data: { name } }),
    taken: parts?.taken ?? (() => []),
    close: async () => {
      await parts?.close()
      await client.$disconnect()
    },
  }
}

async function operationOf(opening: Promise<Writer>): Promise<Operation> {
  const { update, close } = await opening
  let count = 0
  return {
    run: async (iterations) => {
      for (let i = 0; i < iterations; i += 1) {
        count += 1
        await update((count % ROWS) + 1, `Author ${count}`)
      }
    },
    close: async () => void (await close()),
  }
}

const orms = [
  { name: 'Knex', open: openKnex },
  { name: 'Prisma', open: openPrisma },
] as const
const kinds: Readonly<Record<Kind, string>> = {
  bare: 'bare',
  embedded: 'embedded',
  strict: 'strict with Redis',
}

const contendersOf = ({ name, open }: (typeof orms)[number], hasRedis: boolean): Contender[] =>
  (Object.keys(kinds) as Kind[])
    .filter((kind) => kind !== 'strict' || hasRedis)
    .map((kind) => ({ name: `${name} update, ${kinds[kind]}`, open: () => operationOf(open(kind)) }))

export const writeContenders: readonly Contender[] = orms.flatMap((orm) => contendersOf(orm, true))

export interface WriteOverhead {
  readonly measured: readonly (readonly Measured[])[]
  readonly figures: readonly CacheFigure[]
}

/** The additional cost of an update of one row by its key, compared with the app without Sluice. */
export async function measureWriteOverhead(rounds: number, iterations: number): Promise<WriteOverhead> {
  await fill()
  const hasRedis = process.env[REDIS_URL] !== undefined
  const measured: Measured[][] = []
  const figures: CacheFigure[] = []
  for (const orm of orms) {
    const found = await measure(contendersOf(orm, hasRedis), rounds, iterations)
    measured.push(found)
    const [bare, embedded, strict] = found
    const more = (one: Measured | undefined) => ((one?.ratio ?? Number.NaN) - 1) * 100
    const longer = (one: Measured | undefined) =>
      ((one?.wallUs ?? Number.NaN) / (bare?.wallUs ?? Number.NaN) - 1) * 100
    const beside =
      strict === undefined ? {} : { 'strict with Redis': more(strict), 'time, strict': longer(strict) }
    figures.push({
      name: `a write, ${orm.name}, embedded: additional CPU`,
      value: more(embedded),
      unit: '%',
      target: { atMost: 5 },
      peers: { time: longer(embedded), ...beside },
    })
    if (hasRedis) figures.push(await roundTripsOf(orm))
  }
  return { measured, figures }
}

async function roundTripsOf({ name, open }: (typeof orms)[number]): Promise<CacheFigure> {
  const { update, taken, close } = await open('strict')
  const counts: number[] = []
  for (let id = 1; id <= 20; id += 1) {
    taken()
    await update(id, `Author ${id}, again`)
    counts.push(taken().length)
  }
  await close()
  return {
    name: `a write, ${name}, strict: sent to Redis`,
    value: Math.max(...counts),
    unit: 'round trips',
    target: { atMost: 2 },
  }
}

async function fill(): Promise<void> {
  await onPostgres(
    postgresUrl(),
    readFileSync(new URL('../../generated/postgresql/schema.sql', import.meta.url), 'utf8'),
  )
  await onPostgres(
    postgresUrl(),
    `INSERT INTO authors (email, full_name, updated_at) SELECT 'a' || i || '@example.org', 'Author ' || i, now() FROM generate_series(1, $1::int) i`,
    [ROWS],
  )
  await onPostgres(postgresUrl(), 'ANALYZE')
}
