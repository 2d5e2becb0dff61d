// A worker of the batch flow: runs the tasks of the queue, writes results to the database, and fails for
// missing cities.
import { createSluice } from '@sluice/core'
import { postgresJobBackend } from '@sluice/core/jobs-postgres'
import { sqliteJobBackend } from '@sluice/core/jobs-sqlite'
import { withSluice } from '@sluice/knex'
import { bullmqJobBackend } from '@sluice/redis/bullmq'
import { Redis } from 'ioredis'
import knex, { type Knex } from 'knex'
import pg from 'pg'
import { flowPlan, serveFlow } from './serve-flow.ts'

export type QueuePlace =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'bullmq'; readonly url: string; readonly prefix: string }
  | { readonly kind: 'postgres'; readonly url: string }

export interface BatchWorkerPlan {
  readonly name: string
  readonly place: QueuePlace
  readonly knexConfig: Knex.Config
}

/** The job backend, and a function that closes its connections. */
export function openBackend(place: QueuePlace) {
  if (place.kind === 'sqlite') return { backend: sqliteJobBackend(place.file), close: async () => {} }
  if (place.kind === 'bullmq') {
    const redis = new Redis(place.url, { maxRetriesPerRequest: null })
    return {
      backend: bullmqJobBackend(redis, { prefix: place.prefix }),
      close: async () => redis.disconnect(),
    }
  }
  const pool = new pg.Pool({ connectionString: place.url })
  return { backend: postgresJobBackend({ pool, schema: 'jobs' }), close: () => pool.end() }
}

async function work({ name, place, knexConfig }: BatchWorkerPlan): Promise<void> {
  const { backend, close } = openBackend(place)
  const sluice = createSluice({
    jobs: { backend, leaseMs: 2_000, webhooks: { allowPrivateAddresses: true } },
  })
  const jobs = sluice.jobs as NonNullable<typeof sluice.jobs>
  const db = withSluice(knex(knexConfig), sluice)
  jobs.registerProcessor<readonly number[] | string>(
    'import',
    async (data, { failItem, attempt }) => {
      const ids = typeof data === 'string' ? [] : data
      // Tasks take a while, so that a worker can be killed in the middle of one.
      await new Promise((resolve) => setTimeout(resolve, 40))
      const cities = await Promise.all(ids.map((id) => db('cities').where({ id }).first()))
      for (const [at, city] of cities.entries()) {
        if (city === undefined) failItem(at, new Error(`There is no city ${ids[at]}.`))
        else await db('imported').insert({ id: city.id, name: city.name }).onConflict('id').ignore()
      }
      await db('runs').insert({
        worker: name,
        what: typeof data === 'string' ? data : 'part',
        attempt,
        items: ids.length,
      })
    },
    { concurrency: 2 },
  )
  serveFlow('ready', { start: () => jobs.start('import') }, async () => {
    await sluice.close()
    await db.destroy()
    await close()
  })
}

if (process.send !== undefined && process.argv[1]?.endsWith('batch-worker.main.ts'))
  await work(flowPlan<BatchWorkerPlan>())
