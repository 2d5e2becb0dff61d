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

const GTID = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/
/**
 * Separates the domains of a position in a token, because commas separate the positions of several databases.
 */
const SEPARATOR = '.'
const MYSQL = 'It is MySQL, whose replicas are not supported yet; those of MariaDB are.'

/**
 * Positions by global transaction id (GTID): the last transaction of each replication domain.
 *
 * A transaction has its id before it is acknowledged, even if commits are grouped or delayed, so the position
 * of the binary log covers all acknowledged writes. A replica advances its position after the commit, and
 * commits in the log's order within a domain, also in parallel replication: the next reader sees everything
 * up to the position.
 *
 * Only MariaDB executes the content of the comments.
 */
export const mariadbPositions: Positions = {
  primarySql:
    'SELECT 1 AS answers /*M!, @@log_bin AS logs, @@gtid_binlog_pos AS logged, @@gtid_slave_pos AS replayed */',
  // The start of the server is a part of what `UUID_SHORT` gives; its last 24 bits are a counter.
  replicaSql:
    'SELECT 1 AS answers /*M!, @@gtid_slave_pos AS replayed, CAST(@@global.read_only AS CHAR) AS protected, @@autocommit AS autocommit, ' +
    "CONCAT_WS(' ', @@hostname, @@port, @@server_id, UUID_SHORT() >> 24) AS run */",
  primary(row) {
    if (row?.answers === undefined) throw new TypeError('The primary did not report its position.')
    if (row.logged === undefined) throw new UnusableServerError(MYSQL)
    if (Number(row.logs) === 0)
      throw new UnusableServerError(
        'It writes no binary log, so the replication lag is unknown: expected `log_bin` to be on.',
      )
    const [logged, replayed] = [parseGtids(row.logged, ','), parseGtids(row.replayed, ',')]
    if (logged === undefined || replayed === undefined)
      throw new TypeError('The primary did not report its position.')
    // Transactions that it replayed as a replica, and did not write to its own log, cannot reach its
    // replicas.
    for (const [domain, gtid] of replayed) {
      const own = logged.get(domain)
      if (own === undefined || own.sequence < gtid.sequence) logged.set(domain, gtid)
    }
    if (logged.size === 0)
      throw new UnusableServerError('Its binary log is empty, so the replication lag is unknown.')
    const position = new GtidPosition(logged)
    return { acknowledged: position, sent: position }
  },
  replica(row) {
    if (row?.answers === undefined) throw new TypeError('The replica did not report its position.')
    if (row.replayed === undefined) throw new UnusableServerError(MYSQL)
    if (/^(?:0|OFF)$/i.test(String(row.protected)))
      throw new UnusableServerError('It accepts writes: expected `read_only` to be on.')
    // The first read would determine the snapshot of all later ones.
    if (Number(row.autocommit) === 0)
      throw new UnusableServerError(
        'Its connections are always in a transaction: expected `autocommit` to be on.',
      )
    const replayed = parseGtids(row.replayed, ',')
    if (replayed === undefined) throw new TypeError('The replica did not report its position.')
    return { replayed: new GtidPosition(replayed), server: String(row.run) }
  },
  fromText(text) {
    const domains = parseGtids(text, SEPARATOR)
    return domains === undefined || domains.size === 0 ? undefined : new GtidPosition(domains)
  },
}

interface Gtid {
  /** Where the transaction was written first. */
  readonly server: string
  readonly sequence: bigint
}

type Domains = ReadonlyMap<string, Gtid>

/**
 * Sequence numbers of one server only increase. Those of several servers in one domain are not comparable:
 * one server may have been replaced by another without its last transactions.
 */
class GtidPosition implements Position {
  constructor(private readonly domains: Domains) {}

  covers(other: Position): boolean {
    if (other === ORIGIN) return true
    if (!(other instanceof GtidPosition)) return false
    for (const [domain, gtid] of other.domains) {
      const own = this.domains.get(domain)
      if (own?.server !== gtid.server || own.sequence < gtid.sequence) return false
    }
    return true
  }

  and(other: Position): Position | undefined {
    if (other === ORIGIN) return this
    if (!(other instanceof GtidPosition)) return undefined
    const both = new Map(this.domains)
    for (const [domain, gtid] of other.domains) {
      const own = both.get(domain) ?? gtid
      if (own.server !== gtid.server) return undefined
      both.set(domain, own.sequence > gtid.sequence ? own : gtid)
    }
    return new GtidPosition(both)
  }

  /**
   * Domains that the primary does not have, a replica may have from elsewhere; what another server wrote, it
   * may have had before that primary.
   */
  isBeyond(other: Position): boolean {
    if (!(other instanceof GtidPosition)) return true
    for (const [domain, gtid] of other.domains) {
      const own = this.domains.get(domain)
      if (own?.server === gtid.server && own.sequence > gtid.sequence) return true
    }
    return false
  }

  toText(): string {
    return [...this.domains]
      .map(([domain, { server, sequence }]) => `${domain}-${server}-${sequence}`)
      .join(SEPARATOR)
  }
}

/** `undefined`: it is not a position. */
function parseGtids(text: unknown, separator: string): Map<string, Gtid> | undefined {
  if (typeof text !== 'string') return undefined
  const domains = new Map<string, Gtid>()
  for (const part of text === '' ? [] : text.split(separator)) {
    const [, domain, server, sequence] = GTID.exec(part.trim()) ?? []
    if (domain === undefined || server === undefined || sequence === undefined) return undefined
    domains.set(domain, { server, sequence: BigInt(sequence) })
  }
  return domains
}

const LSN = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i
/** Bytes of a page's header; at the start of a segment it is longer. */
const SHORT_HEADER = 24n
const LONG_HEADER = 40n

/**
 * Positions in the write-ahead log.
 *
 * `acknowledged` is the insert position: with `synchronous_commit = off`, which any transaction may set for
 * itself, the write position lies before a commit that was acknowledged. At a page's start it is given behind
 * the header, where the position that is replayed comes to only with the next record.
 */
export const postgresqlPositions: Positions = {
  primarySql:
    "SELECT pg_current_wal_insert_lsn()::text AS inserted, pg_current_wal_lsn()::text AS written, current_setting('wal_block_size') AS page, " +
    "pg_size_bytes(current_setting('wal_segment_size'))::text AS segment",
  replicaSql:
    'SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()::text END AS replayed, pg_postmaster_start_time()::text AS started, ' +
    'inet_server_addr()::text AS host, inet_server_port()::text AS port',
  primary(row) {
    const sent = parseLsn(row?.written)
    const inserted = parseLsn(row?.inserted)
    const [page, segment] = [row?.page, row?.segment].map((size) => BigInt(String(size)))
    if (sent === undefined || inserted === undefined || !page || !segment)
      throw new TypeError('The primary did not report its position.')
    return {
      acknowledged: new LogPosition(endOfRecord(inserted, page, segment)),
      sent: new LogPosition(sent),
    }
  },
  replica(row) {
    if (row === undefined) throw new TypeError('The replica did not report its position.')
    const replayed = parseLsn(row.replayed)
    if (replayed === undefined) throw new UnusableServerError('It is not a replica: it is not in recovery.')
    return { replayed: new LogPosition(replayed), server: `${row.host} ${row.port} ${row.started}` }
  },
  fromText(text) {
    const lsn = parseLsn(text)
    return lsn === undefined ? undefined : new LogPosition(lsn)
  },
}

class LogPosition implements Position {
  constructor(private readonly lsn: bigint) {}

  covers(other: Position): boolean {
    return other === ORIGIN || (other instanceof LogPosition && this.lsn >= other.lsn)
  }

  and(other: Position): Position | undefined {
    if (this.covers(other)) return this
    return other.covers(this) ? other : undefined
  }

  isBeyond(other: Position): boolean {
    return !other.covers(this)
  }

  toText(): string {
    return `${(this.lsn >> 32n).toString(16)}/${(this.lsn & 0xffff_ffffn).toString(16)}`.toUpperCase()
  }
}

function parseLsn(text: unknown): bigint | undefined {
  const [, high, low] = (typeof text === 'string' ? LSN.exec(text) : null) ?? []
  return high === undefined || low === undefined
    ? undefined
    : (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

/**
 * The end of the last record, of a position that may lie behind the header of a page in which no record has
 * begun.
 */
function endOfRecord(inserted: bigint, page: bigint, segment: bigint): bigint {
  const inPage = inserted % page
  const isBehindHeader = inPage === (inserted % segment < page ? LONG_HEADER : SHORT_HEADER)
  return isBehindHeader ? inserted - inPage : inserted
}
