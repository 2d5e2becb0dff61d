import type { Dialect as DialectName, ReplicaOptions } from '@sluice/core'
import {
  type ClientReplicas,
  type PlacedReplica,
  placedReplicas,
  type ReplicaDriver,
  resolveReplicaOptions,
  sending,
} from '@sluice/core/adapter'
import type { DatabaseConnection, Dialect, Driver } from 'kysely'
import { driverConnection } from './driver-connection.ts'
import { rawQuery } from './raw-query.ts'
import { acquired } from './unseen-calls.ts'

export interface KyselyOptions extends ReplicaOptions {
  /**
   * Dialects for the database's replicas (PostgreSQL, MariaDB). Each connects to one server and is configured
   * like the primary's dialect. Sluice sends a read to a replica if the read does not need the primary. With
   * `balancer.region`: `{ client, region }`.
   * @defaultValue []
   */
  readonly replicas?: readonly (Dialect | KyselyReplica)[]
}

/** A dialect for a replica, with its location. */
export interface KyselyReplica extends PlacedReplica<Dialect> {}

/** The dialects of replicas, and the options that apply to all of them. */
export interface DialectReplicas {
  readonly options: ReplicaOptions
  readonly dialects: readonly KyselyReplica[]
}

/** @throws InvalidOptionError */
export function replicasOf({ replicas = [], ...options }: KyselyOptions): DialectReplicas {
  const dialects = placedReplicas(replicas, isDialect, 'dialect of Kysely')
  resolveReplicaOptions(options, dialects)
  return { options, dialects }
}

export function isDialect(value: unknown): value is Dialect {
  return typeof (value as Partial<Dialect> | null | undefined)?.createDriver === 'function'
}

interface Lent {
  readonly driver: Driver
  readonly connection: DatabaseConnection
}

/** The drivers of the replicas' dialects, which begin and end with the driver of the primary. */
export class ReplicaDrivers implements ReplicaDriver<Lent> {
  readonly #drivers: readonly Driver[]

  constructor(
    private readonly replicas: DialectReplicas,
    private readonly dialect: DialectName,
  ) {
    this.#drivers = replicas.dialects.map(({ client }) => client.createDriver())
  }

  get targets(): ClientReplicas {
    const { options, dialects } = this.replicas
    const targets = dialects.map(({ client: _, ...place }, at) => {
      const { query } = driverConnection(async () => {
        const lent = await this.acquire(at)
        return { connection: lent.connection, release: () => this.release(lent) }
      }, this.dialect)
      return { ...place, connection: () => ({ dialect: this.dialect, query }) }
    })
    return { options, targets }
  }

  async init(): Promise<void> {
    await Promise.all(this.#drivers.map((driver) => driver.init()))
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#drivers.map((driver) => driver.destroy()))
  }

  async acquire(index: number): Promise<Lent> {
    const driver = this.#drivers[index] as Driver
    return { driver, connection: await acquired(driver) }
  }

  release({ driver, connection }: Lent): Promise<void> {
    return driver.releaseConnection(connection)
  }

  identityOf({ connection }: Lent): object {
    return connection
  }

  async query({ connection }: Lent, sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { rows } = await sending({ send: () => connection.executeQuery(rawQuery(sql)) })
    return rows as readonly Readonly<Record<string, unknown>>[]
  }
}
