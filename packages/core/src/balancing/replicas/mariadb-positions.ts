import { ORIGIN, type Position, type Positions, UnusableServerError } from './positions.ts'

const GTID = /^(\d{1,10})-(\d{1,10})-(\d{1,20})$/
/** Of a position that spans several domains, as it is handed on: commas divide positions of several databases. */
const SEPARATOR = '.'
const MYSQL = 'It is MySQL, whose replicas are not supported yet; those of MariaDB are.'

/**
 * Positions by global transaction id (GTID): the last transaction of each replication domain.
 *
 * A transaction has its id before it is acknowledged, however commits are grouped or delayed, so the position of the binary log covers all that was. A replica moves
 * its position on after the commit, and commits in the log's order within a domain, in parallel replication too: all up to it is seen by who reads next.
 *
 * Only MariaDB reads what stands in the comments.
 */
export const mariadbPositions: Positions = {
  primarySql: 'SELECT 1 AS answers /*M!, @@log_bin AS logs, @@gtid_binlog_pos AS logged, @@gtid_slave_pos AS replayed */',
  // The start of the server is a part of what `UUID_SHORT` gives; its last 24 bits are a counter.
  replicaSql:
    'SELECT 1 AS answers /*M!, @@gtid_slave_pos AS replayed, CAST(@@global.read_only AS CHAR) AS protected, @@autocommit AS autocommit, ' +
    "CONCAT_WS(' ', @@hostname, @@port, @@server_id, UUID_SHORT() >> 24) AS run */",
  primary(row) {
    if (row?.answers === undefined) throw new TypeError('The primary did not tell its position.')
    if (row.logged === undefined) throw new UnusableServerError(MYSQL)
    if (Number(row.logs) === 0)
      throw new UnusableServerError('It writes no binary log (`log_bin` is off), so nobody knows what replicas have.')
    const [logged, replayed] = [parse(row.logged, ','), parse(row.replayed, ',')]
    if (logged === undefined || replayed === undefined) throw new TypeError('The primary did not tell its position.')
    // What it replayed as a replica, and has not written to its own log, it is ahead of its replicas with.
    for (const [domain, gtid] of replayed) {
      const own = logged.get(domain)
      if (own === undefined || own.sequence < gtid.sequence) logged.set(domain, gtid)
    }
    if (logged.size === 0) throw new UnusableServerError('Its binary log is empty, so nobody knows what replicas have.')
    const position = new GtidPosition(logged)
    return { floor: position, sent: position }
  },
  replica(row) {
    if (row?.answers === undefined) throw new TypeError('The replica did not tell its position.')
    if (row.replayed === undefined) throw new UnusableServerError(MYSQL)
    if (/^(?:0|OFF)$/i.test(String(row.protected))) throw new UnusableServerError('It accepts writes: expected `read_only` to be on.')
    // Whatever is read first would be all that is seen.
    if (Number(row.autocommit) === 0)
      throw new UnusableServerError('Its connections are in a transaction all the time (`autocommit` is off).')
    const replayed = parse(row.replayed, ',')
    if (replayed === undefined) throw new TypeError('The replica did not tell its position.')
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

/** Sequence numbers of one server only grow. Those of several servers in one domain say nothing of each other: one may have been replaced by another that lacked some. */
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

  /** Domains that the primary does not have, a replica may have from elsewhere; what another server wrote, it may have had before that primary. */
  isBeyond(other: Position): boolean {
    if (!(other instanceof GtidPosition)) return true
    for (const [domain, gtid] of other.domains) {
      const own = this.domains.get(domain)
      if (own?.server === gtid.server && own.sequence > gtid.sequence) return true
    }
    return false
  }

  toText(): string {
    return [...this.domains].map(([domain, { server, sequence }]) => `${domain}-${server}-${sequence}`).join(SEPARATOR)
  }
}

/** `undefined`: it is no position. */
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
