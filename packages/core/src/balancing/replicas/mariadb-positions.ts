import { ORIGIN, type Position, type Positions, UnusableServerError } from './positions.ts'

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
    const [logged, replayed] = [parse(row.logged, ','), parse(row.replayed, ',')]
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
    const replayed = parse(row.replayed, ',')
    if (replayed === undefined) throw new TypeError('The replica did not report its position.')
    return { replayed: new GtidPosition(replayed), server: String(row.run) }
  },
  fromText(text) {
    const domains = parse(text, SEPARATOR)
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
function parse(text: unknown, separator: string): Map<string, Gtid> | undefined {
  if (typeof text !== 'string') return undefined
  const domains = new Map<string, Gtid>()
  for (const part of text === '' ? [] : text.split(separator)) {
    const [, domain, server, sequence] = GTID.exec(part.trim()) ?? []
    if (domain === undefined || server === undefined || sequence === undefined) return undefined
    domains.set(domain, { server, sequence: BigInt(sequence) })
  }
  return domains
}
