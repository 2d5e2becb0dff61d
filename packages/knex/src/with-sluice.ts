import { InvalidArgumentError, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { hostOf, isInstrumented, markInstrumented, registerOwnFrames } from '@sluice/core/adapter'
import type { Knex } from 'knex'
import type { KnexDescription } from './describe-client.ts'
import { fixForSql } from './fix.ts'
import { CLIENTS, clientOf, dialectOf } from './internals/client.ts'
import type {
  BuilderInternals,
  ClientInternals,
  Container,
  QueryObject,
  RunnerInternals,
} from './internals/types.ts'
import { instrumentations, rememberBase } from './knex-connection.ts'
import { PluginState } from './plugin-state.ts'
import type { KnexOptions } from './replica-reads.ts'
import { knexRowLoader } from './row-loader.ts'

// Knex, its pool, and the ORMs that are built on it.
registerOwnFrames(import.meta.url, 'knex', 'tarn', 'objection', 'bookshelf', '@adonisjs', '@mikro-orm')

type ClientClass = new (...args: never[]) => ClientInternals

/**
 * Instruments a Knex instance in place, and returns it. Transactions and instances derived from it are
 * instrumented too. An instance that is already instrumented stays unchanged.
 *
 * Its client must be `pg` or `pgnative` (PostgreSQL), `mysql2` or `mysql` (MySQL, MariaDB), or
 * `better-sqlite3` or `sqlite3` (SQLite). An instance with any other client stays unchanged, with a warning.
 *
 * @param sluice - A Sluice, or options to create one. Default: the process-wide Sluice, which observes.
 * @param options - `replicas` serve reads that do not need the primary.
 * @throws InvalidArgumentError if the first argument is not a Knex instance; InvalidOptionError for unknown
 * options.
 * @example
 * ```ts
 * const db = withSluice(knex({ client: 'pg', connection }), sluice)
 * ```
 */
export function withSluice<TKnex extends Knex>(
  knex: TKnex,
  sluice?: Sluice | SluiceOptions,
  options: KnexOptions = {},
): TKnex {
  if (typeof knex !== 'function') throw new InvalidArgumentError('knex', 'a Knex instance', knex)
  return sluiceKnex(knex, sluiceFrom(sluice), { fix: fixForSql }, options)
}

/**
 * The same for an ORM that creates its instance of Knex itself: its findings are described in its words.
 *
 * @param description - The name of the ORM, and its fixes.
 */
export function sluiceKnex<TKnex extends Knex>(
  knex: TKnex,
  used: Sluice,
  description: KnexDescription,
  options: KnexOptions = {},
): TKnex {
  const host = hostOf(used)
  const client = clientOf(knex)
  const dialect = client === undefined ? undefined : dialectOf(client)
  if (client === undefined || dialect === undefined) {
    const { driverName = 'an unknown client' } = client ?? {}
    host.warn(
      `@sluice/knex works with the clients ${CLIENTS} of Knex 3; this instance uses ${driverName}. Its queries pass through.`,
    )
    return knex
  }
  if (isInstrumented(client, used)) return knex
  const base = Object.getPrototypeOf(client) as ClientInternals
  const state = new PluginState(used, host, base, client, dialect, options, knex, description)
  // The prototype, not the instance: transactions derive from the class, and would not have properties of the
  // instance.
  const prototype = instrumented(base, state)
  rememberBase(prototype, base)
  Object.setPrototypeOf(client, prototype)
  instrumentations.set(client, { base, state })
  markInstrumented(client, used)
  host.attachLoader(state.source.id, knexRowLoader(knex, host, state.source.id, base, dialect))
  return knex
}

/** Restores a Knex instance to its state before `withSluice`. Open transactions end as they began. */
export function unsluice<TKnex extends Knex>(knex: TKnex): TKnex {
  const client = clientOf(knex)
  const instrumentation = client === undefined ? undefined : instrumentations.get(client)
  if (client !== undefined && instrumentation !== undefined) {
    Object.setPrototypeOf(client, instrumentation.base)
    instrumentations.delete(client)
    markInstrumented(client, undefined)
    instrumentation.state.detach()
  }
  return knex
}

function instrumented(base: ClientInternals, state: PluginState): object {
  const Base = base.constructor as ClientClass
  class Instrumented extends Base {
    override _query(connection: object, query: QueryObject | string): Promise<QueryObject> {
      return state.query(this, connection, typeof query === 'string' ? { sql: query } : query)
    }

    override processResponse(query: QueryObject, runner: RunnerInternals) {
      state.answered(query)
      return super.processResponse(query, runner)
    }

    override _stream(
      connection: object,
      query: QueryObject,
      stream: object,
      options: unknown,
    ): Promise<unknown> {
      return state.streams.send(this, connection, query, stream, options)
    }

    override queryBuilder() {
      return state.created(super.queryBuilder())
    }

    override raw(...args: readonly unknown[]) {
      return state.created(super.raw(...args))
    }

    override transaction(container: Container | undefined, ...options: readonly unknown[]) {
      return state.transactions.create(this, container, (instead) => super.transaction(instead, ...options))
    }

    override runner(builder: BuilderInternals) {
      return state.runner(this, builder)
    }

    override acquireConnection(): Promise<object> {
      const acquired = state.connectionRequested(this)
      const connection = state.order.acquire(() => super.acquireConnection())
      // Outside the caller's promise chain: wrapping the connection would cost each query a promise.
      if (acquired !== undefined) connection.then(acquired, acquired)
      return connection
    }

    override releaseConnection(connection: object): Promise<void> {
      return state.order.hasReserved
        ? state.order.release(connection, () => super.releaseConnection(connection))
        : super.releaseConnection(connection)
    }

    override async destroy(callback?: unknown): Promise<void> {
      const forgotten = state.forget()
      await super.destroy(callback)
      await forgotten
    }
  }
  // Tools built on Knex check the class's name.
  Object.defineProperty(Instrumented, 'name', { value: Base.name })
  return Instrumented.prototype
}
