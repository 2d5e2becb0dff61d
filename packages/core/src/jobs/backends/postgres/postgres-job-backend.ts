import type { JobBackend } from '../job-backend.ts'
import { PostgresBackend } from './postgres-backend.ts'
import { checkPostgresJobBackendOptions, type PostgresJobBackendOptions } from './postgres-options.ts'

/**
 * Keeps tasks in the app's own PostgreSQL, version 12 or later, in tables of their own. With `enqueueTask(…, { transaction })`, a task is there if and only if the
 * app's transaction commits: a transaction of Knex, an interactive one of Prisma, or a client of `pg`.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * const jobs = new AsyncBatchProcessingEngine({ backend: postgresJobBackend({ pool: new pg.Pool({ connectionString }) }) })
 * await knex.transaction(async (transaction) => {
 *   await transaction('orders').insert(order)
 *   await jobs.enqueueTask({ order: order.id }, 'normal', 'mail', { transaction })
 * })
 * ```
 */
export function postgresJobBackend(options: PostgresJobBackendOptions): JobBackend {
  checkPostgresJobBackendOptions(options)
  return new PostgresBackend(options)
}
