import type { Dialect, ReplicaOptions } from '@sluice/core'
import {
  type AdapterHost,
  type PlacedReplica,
  placedReplicas,
  type ReadRequirements,
  type ReadRouter,
  type ReplicaAttempt,
  resolveReplicaOptions,
} from '@sluice/core/adapter'
import type { Knex } from 'knex'
import { compiled, isReplicaRead } from './internals/builder.ts'
import { addressOf, clientOf, isDestroyed } from './internals/client.ts'
import { abandon } from './internals/connection.ts'
import { rowsOf } from './internals/response.ts'
import type { BuilderInternals, ClientInternals } from './internals/types.ts'
import { attachedConnection, knexConnection } from './knex-connection.ts'

export interface KnexOptions extends ReplicaOptions {
  /**
   * Instances for the database's replicas (PostgreSQL, MariaDB). Each connects to one server and is
   * configured like the primary's instance. Sluice sends a read to a replica if the read does not need the
   * primary. With `balancer.region`: `{ client, region }`.
   * @defaultValue []
   */
  readonly replicas?: readonly (Knex | KnexReplica)[]
}

/** An instance for a replica, with its location. */
export interface KnexReplica extends PlacedReplica<Knex> {}

/** The replica instances, and the options that apply to all of them. */
function replicasOf({ replicas = [], ...options }: KnexOptions): {
  readonly replicas: readonly KnexReplica[]
  readonly options: ReplicaOptions
} {
  const placed = placedReplicas(replicas, isInstance, 'Knex instance')
  resolveReplicaOptions(options, placed)
  return { replicas: placed, options }
}

function isInstance(value: unknown): value is Knex {
  return typeof value === 'function'
}

/** Properties of the instance whose reads `ReplicaReads` sends. */
interface RoutedInstance {
  readonly host: AdapterHost
  readonly sourceId: string
  readonly dialect: Dialect
  readonly client: ClientInternals
  /** The client's class before instrumentation. */
  readonly base: ClientInternals
  /**
   * Whether a statement certainly only reads, and returns the same result on any server with the same rows.
   */
  readonly onlyReads: (sql: string) => boolean
}

/** One read on its way to a database. */
export interface KnexRead {
  readonly client: ClientInternals
  readonly builder: BuilderInternals
  readonly demand: ReadRequirements | undefined
  /** Queries the primary. */
  readonly onPrimary: () => Promise<unknown>
  /** Runs the query through a client. */
  readonly on: (client: ClientInternals) => Promise<unknown>
}

/** Sends the reads of one instance to its replicas. */
export class ReplicaReads {
  /** Connections of replicas that are verified for reads. */
  readonly #admitted = new WeakSet<object>()

  private constructor(
    private readonly instance: RoutedInstance,
    private readonly router: ReadRouter,
    private readonly replicas: readonly ClientInternals[],
  ) {}

  /**
   * @returns `undefined` if there are no replicas, or none is usable.
   * @throws InvalidOptionError
   */
  static attach(instance: RoutedInstance, knexOptions: KnexOptions): ReplicaReads | undefined {
    const { replicas, options } = replicasOf(knexOptions)
    if (replicas.length === 0) return undefined
    const { host, dialect, sourceId, base } = instance
    const clients = replicas.flatMap(({ client }) => clientOf(client) ?? [])
    if (
      clients.length < replicas.length ||
      ![instance.client, ...clients].every((client) => hasReplicas(client, dialect))
    ) {
      host.warn(
        '@sluice/knex reads from replicas of PostgreSQL through `pg`, and of MariaDB through `mysql2`; this instance uses others. All reads go to the primary.',
        'SLUICE_REPLICAS_UNUSED',
      )
      return undefined
    }
    const held = new WeakRef(instance.client)
    const router = host.routeReads({
      sourceId,
      dialect,
      options,
      primary: () => {
        const client = held.deref()
        return client === undefined || client.pool === undefined
          ? undefined
          : attachedConnection(client, base, dialect)
      },
      replicas: replicas.map(({ client, ...place }, at) => ({
        ...addressOf(clients[at]),
        ...place,
        connection: () => (isDestroyed(client) ? undefined : knexConnection(client)),
      })),
    })
    return router && new ReplicaReads(instance, router, clients)
  }

  close(): void {
    this.router.close()
  }

  read(read: KnexRead): Promise<unknown> {
    const { client, builder, demand, onPrimary, on } = read
    const { host } = this.instance
    if (client.transacting === true) {
      this.router.leave('transaction')
      return onPrimary()
    }
    if (!this.#isForReplicas(client, builder)) {
      this.router.leave('write')
      return onPrimary()
    }
    return this.router.read({
      scope: host.scopes.current(),
      demand,
      onReplica: (attempt) => on(this.#through(client, attempt)),
      onPrimary,
    })
  }

  #isForReplicas(client: ClientInternals, builder: BuilderInternals): boolean {
    if (!isReplicaRead(builder)) return false
    const query = compiled(client, builder)
    return query !== undefined && !('error' in query) && this.instance.onlyReads(query.sql)
  }

  /** A client that equals the given one, except that its connections lead to a replica. */
  #through(client: ClientInternals, attempt: ReplicaAttempt): ClientInternals {
    const replica = this.replicas[attempt.index] as ClientInternals
    let used: object | undefined
    let isAbandoned = false
    attempt.onAbandoned(() => {
      isAbandoned = true
      if (used !== undefined) abandon(used)
    })
    const through = Object.create(client) as ClientInternals
    return Object.assign(through, {
      acquireConnection: async () => {
        const connection = await replica.acquireConnection()
        used = connection
        try {
          if (isAbandoned) throw new Error('This read was abandoned.')
          if (!this.#admitted.has(connection))
            await attempt.admit((sql) => this.#send(through, connection, sql))
          this.#admitted.add(connection)
        } catch (error) {
          used = undefined
          await replica.releaseConnection(connection)
          throw error
        }
        return connection
      },
      releaseConnection: (connection: object) => {
        used = undefined
        return replica.releaseConnection(connection)
      },
    })
  }

  async #send(
    client: ClientInternals,
    connection: object,
    sql: string,
  ): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { response } = await this.instance.base._query.call(client, connection, {
      sql,
      bindings: [],
      method: 'raw',
    })
    return rowsOf(response)
  }
}

/** Whether a client's connections are known, and its database supports replicas. */
function hasReplicas(client: ClientInternals, dialect: Dialect): boolean {
  // Other drivers have no way to abandon a connection that hangs.
  return client.driverName === (dialect === 'postgresql' ? 'pg' : 'mysql2')
}
