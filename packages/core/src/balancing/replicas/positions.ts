type Row = Readonly<Record<string, unknown>>

/** How far a server is. */
export interface Position {
  /** Whether who is this far is certain to have all that another position stands for. */
  covers(other: Position): boolean
  /** A position that covers both; `undefined` when none is known. */
  and(other: Position): Position | undefined
  /** Whether it cannot be how far a replica is whose primary, asked later, was as far as another position says. */
  isBeyond(other: Position): boolean
  toText(): string
}

/** Before all that was written: every server is this far. */
export const ORIGIN: Position = { covers: (other) => other === ORIGIN, and: (other) => other, isBeyond: () => false, toText: () => '' }

/** How far a primary is. */
interface PrimaryPosition {
  /** Who has replayed up to here has every write that was acknowledged before this was asked. */
  readonly floor: Position
  /** What replicas can have of that by now, and all that they can have. */
  readonly sent: Position
}

/** How far a replica is. */
export interface ReplicaPosition {
  readonly replayed: Position
  /** Tells one server, and one run of it, from another. */
  readonly server: string
}

/** How a database says how far it is. */
export interface Positions {
  readonly primarySql: string
  readonly replicaSql: string
  /** @throws UnusableServerError; TypeError for an answer that tells nothing. */
  primary(row: Row | undefined): PrimaryPosition
  /** @throws UnusableServerError; TypeError for an answer that tells nothing. */
  replica(row: Row | undefined): ReplicaPosition
  fromText(text: string): Position | undefined
}

/** A server answers, and is not what it must be to be read from, or compared with. The message is a sentence about it for the user. */
export class UnusableServerError extends Error {
  override readonly name = 'UnusableServerError'
}
