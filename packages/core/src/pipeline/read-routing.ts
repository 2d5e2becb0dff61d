import type { Connection } from '../schema/connection.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { ReadDemand } from './lookup.ts'
import type { ClientErrors } from './outcome.ts'
import type { Scope } from './scope.ts'

/** A read that is being asked of a replica. */
export interface ReplicaAttempt {
  /** The replica's place in what the router was given. */
  readonly index: number
  /** Whether the reader wrote before. Where connections are not known one by one, the one that is read from must be admitted then, before or along with the read. */
  readonly hasFloor: boolean
  /**
   * Must be awaited for each connection that is used for the first time, before it is read from. Rejects when it must not be.
   *
   * @param query - Asks on that connection.
   */
  admit(query: (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>): Promise<void>
  /** Calls back when nobody waits for the answer any more: the connection may hang. */
  onAbandoned(callback: () => void): void
}

/** A read for which it is certain that it changes nothing, outside of transactions. */
export interface RoutedRead<T> {
  readonly scope: Scope | undefined
  readonly demand: ReadDemand | undefined
  /** Whether errors that are the database's answer are asked for anew, of the primary: those of a replica would name another client. */
  readonly asksErrorsAnew?: boolean
  askReplica(attempt: ReplicaAttempt): Promise<T>
  askPrimary(): Promise<T>
}

/** Sends the reads of one client to its database, or to replicas of it. */
export interface ReadRouter {
  /** Counts what is asked of the primary without being a question of where. */
  leave(reason: 'write' | 'transaction'): void
  /**
   * Runs a read on a replica, or on the primary.
   *
   * @throws What the database says to it; what the primary fails with.
   */
  read<T>(read: RoutedRead<T>): Promise<T>
  /** Reads go to the primary from now on. */
  close(): void
}

export interface ReplicaTarget {
  /** Where it is, if that is known: it is the name of its node. */
  readonly host?: string | undefined
  readonly port?: number | undefined
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
  /** Reads the ORM's own errors. */
  readonly errors?: ClientErrors
  /** As the user gave them: they are checked here. */
  readonly options: object
}
