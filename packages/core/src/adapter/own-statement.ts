import type { OwnTransaction } from '../pipeline/own-transaction.ts'
import { SoleWriter } from '../pipeline/sole-writer.ts'
import type { WriteOutcome } from '../pipeline/writes.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Statement } from '../sql/statement.ts'
import { countsChanges, hasChanged } from './changed-rows.ts'
import type { ConnectionTransactions } from './connection-transactions.ts'
import type { SentStatement } from './sent-statement.ts'

/** The services that {@link OwnStatements} needs. */
interface OwnHost {
  readonly catalogs: CatalogRegistry
  reportError(error: unknown): void
}

/**
 * Follows the writes of one client, for the proof that no other process writes. Never throws: after an
 * internal error, there is no proof.
 */
export class OwnStatements {
  constructor(
    private readonly soleWriter: SoleWriter,
    private readonly host: OwnHost,
    private readonly sourceId: string,
    private readonly dialect: Dialect,
    private readonly transactions: ConnectionTransactions,
  ) {}

  /** Call it for each statement that does not certainly only read. */
  examine(statement: Statement, sql: string): void {
    try {
      if (mayHideTransaction(statement, sql)) this.soleWriter.refute()
    } catch (error) {
      this.failed(error)
    }
  }

  failed(error: unknown): void {
    this.soleWriter.refute()
    this.host.reportError(error)
  }

  /** Call it before a statement that may write is sent. `undefined`: it does not have to be followed. */
  send(connection: object, statement: Statement): OwnStatement | undefined {
    try {
      const isOpen = this.transactions.isOpen(connection)
      const own = isOpen ? this.transactions.ownOf(connection) : this.soleWriter.begin()
      if (own === undefined) return undefined
      const counted = countsChanges(statement, this.sourceId, this.host.catalogs) ? statement : undefined
      return new OwnStatement(this, own, this.dialect, counted, isOpen)
    } catch (error) {
      this.failed(error)
      return undefined
    }
  }
}

/** A write of this process, between its sending and its answer. */
export class OwnStatement {
  constructor(
    private readonly statements: OwnStatements,
    private readonly own: OwnTransaction,
    private readonly dialect: Dialect,
    /** `undefined`: its answer does not show whether it changed rows. */
    private readonly counted: Statement | undefined,
    private readonly isOpen: boolean,
  ) {}

  answered<T>(sent: Pick<SentStatement<Promise<T>>, 'resultOf'>, answer: Awaited<Promise<T>>): void {
    const { statements, own, dialect, counted, isOpen } = this
    try {
      if (counted !== undefined && hasChanged(counted, dialect, sent.resultOf?.(answer) ?? answer, isOpen))
        own.changed()
      if (!isOpen) own.end('committed')
    } catch (error) {
      statements.failed(error)
    }
  }

  failed(outcome: WriteOutcome): void {
    if (!this.isOpen) this.own.end(outcome)
  }
}

/**
 * The proof for a client; `undefined`: its database has none, or results are not extended.
 */
export function soleWriterOf(
  { dialect, isEmbedded }: { readonly dialect: Dialect; readonly isEmbedded?: boolean | undefined },
  host: { readonly extendedTtlMs: number | undefined; now(): number },
): SoleWriter | undefined {
  const { extendedTtlMs: ttlMs } = host
  if (ttlMs === undefined || (dialect === 'sqlite' && isEmbedded !== true)) return undefined
  return new SoleWriter({ dialect, ttlMs, now: () => host.now() })
}

/** Statements of MySQL that end a transaction, if there is one, and begin none. */
const BEGINS_NONE: ReadonlySet<string> = new Set(
  'ALTER ANALYZE CHECK CREATE DROP FLUSH LOCK OPTIMIZE RENAME REPAIR SET TRUNCATE UNLOCK USE'.split(' '),
)

/**
 * Whether a connection may have a transaction after this statement that is not known, so that later
 * statements on it may be part of that transaction.
 */
function mayHideTransaction({ kinds, opaque, mayCommit }: Statement, sql: string): boolean {
  if (
    opaque !== undefined &&
    mayCommit &&
    !(kinds.length > 0 && kinds.every((kind) => BEGINS_NONE.has(kind)))
  )
    return true
  return kinds.some(
    (kind) => kind === 'XA' || kind === 'CALL' || (kind === 'SET' && /autocommit|completion_type/i.test(sql)),
  )
}
