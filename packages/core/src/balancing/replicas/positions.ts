type Row = Readonly<Record<string, unknown>>

/** How far a server is. */
export interface Position {
  /** Whether who is this far is certain to have all that another position stands for. */
  covers(other: Position): boolean
  /** A position that covers both; `undefined` when none is known. */
  and(other: Position): Position | undefined
  /**
   * Whether it cannot be how far a replica is whose primary, asked later, was as far as another position
   * says.
   */
  isBeyond(other: Position): boolean
  toText(): string
}

/** Before all that was written: every server is this far. */
export const ORIGIN: Position = {
  covers: (other) => other === ORIGIN,
  and: (other) => other,
  isBeyond: () => false,
  toText: () => '',
}

/** How far a primary is. */
interface PrimaryPosition {
  /** A replica that has replayed up to here has every write that was acknowledged before this query. */
  readonly acknowledged: Position
  /** The part of `acknowledged` that replicas can have by now: their maximum position. */
  readonly sent: Position
}

/** How far a replica is. */
export interface ReplicaPosition {
  readonly replayed: Position
  /** Tells one server, and one run of it, from another. */
  readonly server: string
}

/** Replay positions of a database. */
export interface Positions {
  readonly primarySql: string
  readonly replicaSql: string
  /** @throws UnusableServerError; TypeError for a response without a position. */
  primary(row: Row | undefined): PrimaryPosition
  /** @throws UnusableServerError; TypeError for a response without a position. */
  replica(row: Row | undefined): ReplicaPosition
  fromText(text: string): Position | undefined
}

/**
 * A server answers, and is not what it must be to be read from, or compared with. The message is a sentence
 * about it for the user.
 */
export class UnusableServerError extends Error {
  override readonly name = 'UnusableServerError'
}
