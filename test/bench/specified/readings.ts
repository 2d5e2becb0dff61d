import { createSluice, DatabaseOptimizationEngine, type Sluice } from '@sluice/core'
import { knexConnection, withSluice } from '@sluice/knex'
import { redisStore } from '@sluice/redis'
import { Redis } from 'ioredis'
import knex, { type Knex } from 'knex'
import type { BenchFigure } from '../database/report.ts'
import { median } from '../harness.ts'
import { p99 } from './p99.ts'

const ROWS = 1_200_000
const SENSORS = 60_000
const TTL_SECONDS = 300
/** Queries read the rows of 3 months, without a suitable index. */
const QUARTER = "created_at >= '2026-01-01' AND created_at < '2026-04-01'"
const READY_MS = 20_000
const LOOKUPS = 100
/** Without this share, a figure of Redis would be one of the database. */
const LEAST_FROM_REDIS = 0.95

type Plans = readonly {
  readonly 'QUERY PLAN': readonly { readonly Plan: Readonly<Record<string, number>> }[]
}[]

/**
 * The specified figures for a table of more than a million rows, on PostgreSQL, and for its cached results in
 * memory and in Redis.
 */
export async function readingFigures(
  postgresUrl: string,
  redisUrl: string,
  calls: number,
): Promise<BenchFigure[]> {
  const bare = open(postgresUrl)
  try {
    await fill(bare)
    return [
      await indexed(bare, calls),
      ...(await kept(postgresUrl, redisUrl, calls)),
      await average(bare, postgresUrl, calls),
      await oneBatch(postgresUrl),
      await pruned(bare),
    ]
  } finally {
    await bare.destroy()
  }
}

function open(url: string): Knex {
  const connection = new URL(url)
  connection.searchParams.set(
    'options',
    '-c statement_timeout=15000 -c idle_in_transaction_session_timeout=15000',
  )
  return knex({ client: 'pg', connection: connection.href, pool: { min: 1, max: 4 } })
}

async function fill(db: Knex): Promise<void> {
  await db.raw(
    'CREATE TABLE readings (id integer PRIMARY KEY, sensor integer NOT NULL, value integer NOT NULL, created_at timestamptz NOT NULL)',
  )
  await db.raw(
    `INSERT INTO readings SELECT n, n % ${SENSORS}, n % 977, timestamptz '2025-01-01' + n * interval '36 seconds' FROM generate_series(1, ${ROWS}) n`,
  )
  await db.raw('CREATE INDEX readings_sensor ON readings (sensor)')
  await db.raw('VACUUM ANALYZE readings')
}

/** Milliseconds of each call. */
async function times(calls: number, run: (at: number) => PromiseLike<unknown>): Promise<number[]> {
  const all: number[] = []
  for (let at = 0; at < calls; at += 1) {
    const startedAt = performance.now()
    await run(at)
    all.push(performance.now() - startedAt)
  }
  return all
}

const mean = (all: readonly number[]) => all.reduce((sum, ms) => sum + ms, 0) / all.length
const ofSensor = (db: Knex, sensor: number) => db('readings').where({ sensor }).orderBy('id').limit(20)

async function indexed(db: Knex, calls: number): Promise<BenchFigure> {
  const all = await times(calls, (at) => ofSensor(db, (at * 7_919) % SENSORS))
  return {
    id: `an indexed query of ${ROWS / 1e6} million rows, p99`,
    value: p99(all),
    unit: 'ms',
    target: 100,
  }
}

/** An app that caches results, with its catalog read. */
async function caching(
  url: string,
  redis?: Redis,
): Promise<{ readonly db: Knex; readonly sluice: Sluice; close(): Promise<void> }> {
  const shared = redis === undefined ? {} : { store: redisStore(redis), consistency: 'bounded' as const }
  const sluice = createSluice({ mode: 'optimize', cache: { ttl: TTL_SECONDS, ...shared } })
  const db = withSluice(open(url), sluice)
  const until = performance.now() + READY_MS
  while ((sluice.getResultStats()?.hits ?? 0) === 0) {
    if (performance.now() > until) throw new Error('Nothing was cached.')
    await sluice.run(async () => void (await ofSensor(db, SENSORS - 1)))
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    db,
    sluice,
    close: async () => {
      await db.destroy()
      await sluice.close()
    },
  }
}

async function kept(url: string, redisUrl: string, calls: number): Promise<BenchFigure[]> {
  const redis = new Redis(redisUrl)
  const [first, second] = [await caching(url, redis), await caching(url, redis)]
  try {
    await first.sluice.run(() => times(calls, (at) => ofSensor(first.db, at)))
    const before = second.sluice.getResultStats()?.storeHits ?? 0
    const fromRedis = await second.sluice.run(() => times(calls, (at) => ofSensor(second.db, at)))
    const answered = (second.sluice.getResultStats()?.storeHits ?? 0) - before
    if (answered < calls * LEAST_FROM_REDIS)
      throw new Error(`${calls - answered} of ${calls} results did not come from Redis.`)
    const fromMemory = await second.sluice.run(() => times(calls, (at) => ofSensor(second.db, at)))
    return [
      { id: 'a result from memory, p99', value: p99(fromMemory), unit: 'ms', target: 1 },
      { id: 'a result from Redis, p99', value: p99(fromRedis), unit: 'ms', target: 10 },
    ]
  } finally {
    await first.close()
    await second.close()
    redis.disconnect()
  }
}

/** A repeated sum over many rows: without Sluice, and through the cache with its misses. */
async function average(bare: Knex, url: string, calls: number): Promise<BenchFigure> {
  const app = await caching(url)
  try {
    const sum = (db: Knex, at: number) =>
      db('readings')
        .whereBetween('sensor', [0, 1_500])
        .where('value', '>', at % 10)
        .sum('value as sum')
        .first()
    const without = await times(Math.ceil(calls / 10), (at) => sum(bare, at))
    const through = await app.sluice.run(() => times(calls, (at) => sum(app.db, at)))
    const id = `a sum that takes ${mean(without).toFixed(1)} ms on average, over the same through the cache with its misses`
    return { id, value: mean(without) / mean(through), unit: '×', target: 10, bound: '≥' }
  } finally {
    await app.close()
  }
}

/** A hundred rows, read individually in a loop: how many queries batching saves. */
async function oneBatch(url: string): Promise<BenchFigure> {
  const sluice = createSluice({ mode: 'optimize', cache: false })
  const db = open(url)
  let statements = 0
  withSluice(db, sluice).on('query', ({ sql }: { readonly sql: string }) => {
    if (/from "readings"/.test(sql)) statements += 1
  })
  try {
    const loop = () =>
      sluice.run(() =>
        Promise.all(
          Array.from({ length: LOOKUPS }, (_, at) =>
            db('readings')
              .where({ id: at + 1 })
              .first(),
          ),
        ),
      )
    // The first runs read the catalog.
    const until = performance.now() + READY_MS
    do {
      statements = 0
      await loop()
    } while (statements === LOOKUPS && performance.now() < until)
    return {
      id: 'queries of a hundred lookups that one batch saves',
      value: 100 - (100 * statements) / LOOKUPS,
      unit: '%',
      target: 90,
      bound: '≥',
    }
  } finally {
    await db.destroy()
    await sluice.close()
  }
}

/** Pages that a query of one quarter reads after the table is partitioned as advised, relative to before. */
async function pruned(db: Knex): Promise<BenchFigure> {
  const pages = async () => {
    const { rows } = await db.raw(
      `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT sum(value) FROM readings WHERE ${QUARTER}`,
    )
    const [{ Plan: plan } = { Plan: {} }] = (rows as Plans)[0]?.['QUERY PLAN'] ?? []
    return (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0)
  }
  const before = median([await pages(), await pages(), await pages()])
  const engine = new DatabaseOptimizationEngine()
  await engine.inspect(knexConnection(db))
  const advice = engine.getPartitionRecommendations().find(({ table }) => table === 'readings')
  engine.close()
  if (advice === undefined) throw new Error('Nothing was advised.')
  await db.raw(advice.ddl.join('\n').replaceAll('?', '\\?'))
  const after = median([await pages(), await pages(), await pages()])
  return {
    id: 'work of a query of one quarter, once the table is partitioned as advised',
    value: (100 * after) / before,
    unit: '%',
    target: 50,
  }
}
