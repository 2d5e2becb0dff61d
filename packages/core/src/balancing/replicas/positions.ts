type Row = Readonly<Record<string, unknown>>

/** How far a primary is. */
interface PrimaryPosition {
  /** Who has replayed up to here has every write that was acknowledged before this was asked. */
  readonly floor: bigint
  /** What replicas can have of that by now. */
  readonly sent: bigint
}

/** How far a replica is. */
interface ReplicaPosition {
  readonly replayed: bigint
  /** Tells one server, and one run of it, from another. */
  readonly server: string
}

/** How a database says how far it is. */
export interface Positions {
  readonly primarySql: string
  readonly replicaSql: string
  /** @throws TypeError for an answer that tells nothing. */
  primary(row: Row | undefined): PrimaryPosition
  /** `undefined`: it is no replica. @throws TypeError for an answer that tells nothing. */
  replica(row: Row | undefined): ReplicaPosition | undefined
  toText(position: bigint): string
  fromText(text: string): bigint | undefined
}
