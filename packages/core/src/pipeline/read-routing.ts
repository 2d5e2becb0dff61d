import type { Connection } from '../schema/connection.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { ReadRequirements } from './lookup.ts'
import type { ClientErrors } from './outcome.ts'
import type { Scope } from './scope.ts'

/** A read that is being sent to a replica. */
export interface ReplicaAttempt {
  /** Index of the replica among those that the router was given. */
  readonly index: number
  /**
   * Whether the reader wrote before, so that the replica must have replayed a position. If connections are
   * not known individually, the one that is read from must then be admitted before the read, or together with
   * it.
   */
  readonly hasRequiredPosition: boolean
  /**
   * Must be awaited for each connection that is used for the first time, before it is read from. Rejects if
   * it must not be read from.
   *
   * @param query - Runs a query on that connection.
   */
  admit(query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>): Promise<void>
  /** Calls `callback` when the result is no longer awaited: the connection may hang. */
  onAbandoned(callback: () => void): void
}

/** A read that certainly changes nothing, outside of transactions. */
export interface RoutedRead<T> {
  readonly scope: Scope | undefined
  readonly demand: ReadRequirements | undefined
  /**
   * Whether a read that failed on a replica with an error that is the database's result is retried on the
   * primary: the replica's error would name another client.
   */
  readonly retriesErrors?: boolean
  onReplica(attempt: ReplicaAttempt): Promise<T>
  onPrimary(): Promise<T>
}

/** Sends the reads of one client to its database, or to replicas of it. */
export interface ReadRouter {
  /** Counts a query that goes to the primary without a routing decision. */
  leave(reason: 'write' | 'transaction'): void
  /**
   * Runs a read on a replica, or on the primary.
   *
   * @throws The error that is the database's result; the error of the primary.
   */
  read<T>(read: RoutedRead<T>): Promise<T>
  /** From now on, reads go to the primary. */
  close(): void
}

export interface ReplicaTarget {
  /** Host of the replica, if it is known. Its node is named after it. */
  readonly host?: string | undefined
  readonly port?: number | undefined
  readonly region?: string
  readonly zone?: string
  /** `undefined` once the client is gone. */
  readonly connection: () => Connection | undefined
}

/** A client with replicas, as its adapter knows it. */
export interface RoutedClient {
  readonly sourceId: string
  readonly dialect: Dialect
  /** `undefined` once the client is gone. */
  readonly primary: () => Connection | undefined
  readonly replicas: readonly ReplicaTarget[]
  /** Interprets the ORM's own errors. */
  readonly errors?: ClientErrors
  /** As the user passed them: they are validated here. */
  readonly options: object
}
