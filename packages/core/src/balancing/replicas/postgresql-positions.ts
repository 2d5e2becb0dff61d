import { ORIGIN, type Position, type Positions, UnusableServerError } from './positions.ts'

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
    const sent = parse(row?.written)
    const inserted = parse(row?.inserted)
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
    const replayed = parse(row.replayed)
    if (replayed === undefined) throw new UnusableServerError('It is not a replica: it is not in recovery.')
    return { replayed: new LogPosition(replayed), server: `${row.host} ${row.port} ${row.started}` }
  },
  fromText(text) {
    const lsn = parse(text)
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

function parse(text: unknown): bigint | undefined {
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
