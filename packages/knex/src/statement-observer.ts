import { type AnalyzedSql, analyzeSql, type Dialect, type Statement, type StatementCaller, type TransactionControl } from '@sluice/core'
import {
  captureStack,
  EVERYTHING,
  effectOfStatement,
  type Shape,
  type TransactionWrites,
  type WriteEffect,
  type WriteOutcome,
} from '@sluice/core/adapter'
import {
  type AdapterHost,
  type AnnouncedWrite,
  isShadowing,
  readCatalog,
  type WatchedShape,
  warnOfLateWrites,
  writeOutcomeOf,
} from '@sluice/core/siblings'
import { fixForSql } from './fix.ts'
import { type ClientInternals, type QueryObject, rowsIn, wasRolledBack } from './internals.ts'
import { openConnection } from './own-connection.ts'

interface Described {
  readonly analyzed: AnalyzedSql
  readonly shape: Shape
  readonly statement: Statement
  /** Whether it is certain that it changes nothing. */
  readonly onlyReads: boolean
  /** Whether nothing but a write can change its answer. */
  readonly isRepeatable: boolean
}

/** Temporary tables of more names than this are not told from others. */
const MAX_TEMPORARY = 10_000
/** Of longer texts, what they were asked with is not remembered: repeats of them go unseen. */
const MAX_COMPARED_LENGTH = 20_000
const traced = { stack: captureStack }
const untraced = {}
const NO_BINDINGS: readonly unknown[] = []

/** A read that changes nothing, and whose answer only writes change: asked again with the same values, be they bound or written in its text, it is a repeat. */
class Comparable {
  constructor(private readonly query: QueryObject) {}

  stack(): { readonly stack?: string } {
    return captureStack()
  }

  values(): unknown {
    return [this.query.sql, this.query.bindings ?? []]
  }
}

/** A statement that is sent by other means. */
export interface OtherStatement {
  /** Settles when it may be sent; `undefined`: at once. */
  readonly ready: Promise<void> | undefined
  /** Tells its end; what is returned is waited for before its caller is told. */
  end(error: unknown, rows: number): Promise<void> | undefined
}

/** The transaction of one connection. */
interface OpenTransaction {
  readonly writes: TransactionWrites
  /**
   * Whether its writes may be seen by others, or by reads that do not know of it, before it is known to commit: it was not begun by
   * `knex.transaction`, or something in it may have committed it. They count when they are made, and again at the end.
   */
  isDoubtful: boolean
}

/** Sees every statement of one Knex instance on its connections: records it, follows transactions, and announces writes. */
export class StatementObserver {
  /** By what was read from a text, which is remembered as long as that is. */
  readonly #described = new WeakMap<AnalyzedSql, Described>()
  readonly #transactions = new WeakMap<object, OpenTransaction>()
  /** Connections of MySQL with settings of their own: `autocommit` may be off, and then a transaction is open without BEGIN. */
  readonly #altered = new WeakSet<object>()
  /** Names that temporary tables have or had. */
  readonly #temporary = new Set<string>()
  #catalog: 'unread' | 'reading' | 'read' = 'unread'

  constructor(
    private readonly host: AdapterHost,
    private readonly sourceId: string,
    private readonly dialect: Dialect,
    /** The client's class as it was. */
    private readonly base: ClientInternals,
  ) {
    host.catalogs.bind(sourceId, this)
  }

  /** Whether a text is certain to read and to do nothing else, with the same result wherever the same rows are. */
  onlyReads(sql: string): boolean {
    const { onlyReads, statement } = this.#describe(sql)
    if (!onlyReads || statement.volatile || statement.locks) return false
    // What the server tells of itself, and what only one connection has.
    return statement.reads.every((name) => !isOfServer(name, this.dialect) && !this.#temporary.has(lastOf(name)))
  }

  /** Sends a statement. */
  statement(client: ClientInternals, connection: object, query: QueryObject): Promise<QueryObject> {
    const described = this.#describe(query.sql)
    const { shape, statement, onlyReads, isRepeatable } = described
    const { recorder, scopes } = this.host
    const scope = scopes.current()
    recorder.statement(scope)
    // Where nothing is optimised, builders go straight to the database and are counted here.
    if (scope !== undefined && !this.host.isOptimizing()) scope.counts.operations += 1
    if (statement.transaction !== undefined)
      return this.#control(client, connection, statement.transaction, () => this.base._query.call(client, connection, query))
    const announced = onlyReads ? undefined : this.#announce(connection, statement, query.bindings)
    const caller = isRepeatable ? new Comparable(query) : traced
    if (announced?.ready !== undefined) return this.#sendWhenReady(client, connection, query, described, announced)
    const watched = this.#watch(query, described, caller)
    const execution = recorder.begin(scope, shape, caller)
    const { startedAt } = execution
    let sent: Promise<QueryObject>
    try {
      sent = this.base._query.call(client, connection, query)
    } catch (error) {
      announced?.end(writeOutcomeOf(error))
      watched?.ended(startedAt, recorder.end(execution, 0, untraced, true), 0, true)
      throw error
    }
    return sent.then(
      (result) => {
        announced?.end('committed')
        const rows = rowsIn(result.response)
        const endedAt = recorder.end(execution, rows, untraced)
        watched?.ended(startedAt, endedAt, rows, false)
        return result
      },
      (error: unknown) => {
        announced?.end(writeOutcomeOf(error))
        watched?.ended(startedAt, recorder.end(execution, 0, untraced, true), 0, true)
        throw error
      },
    )
  }

  /** Sends a write once other processes are told of it, and tells its caller once they know of its end. */
  async #sendWhenReady(
    client: ClientInternals,
    connection: object,
    query: QueryObject,
    described: Described,
    announced: AnnouncedWrite,
  ): Promise<QueryObject> {
    const { recorder, scopes } = this.host
    await announced.ready
    const watched = this.#watch(query, described, traced)
    const execution = recorder.begin(scopes.current(), described.shape, traced)
    const { startedAt } = execution
    try {
      const result = await this.base._query.call(client, connection, query)
      const rows = rowsIn(result.response)
      watched?.ended(startedAt, recorder.end(execution, rows, untraced), rows, false)
      await announced.end('committed')
      return result
    } catch (error) {
      watched?.ended(startedAt, recorder.end(execution, 0, untraced, true), 0, true)
      await announced.end(writeOutcomeOf(error))
      throw error
    }
  }

  /** A statement is about to be sent by other means. */
  begin(connection: object, query: QueryObject): OtherStatement {
    const { host } = this
    const scope = host.scopes.current()
    const described = this.#describe(query.sql)
    const { shape, statement } = described
    // Its rows come later, past all that could tell their tags.
    scope?.basis?.spoil('unknown read')
    host.recorder.statement(scope)
    const announced = this.#announce(connection, statement, query.bindings)
    const watched = this.#watch(query, described, traced)
    const execution = host.recorder.begin(scope, shape, traced)
    return {
      ready: announced?.ready,
      end: (error, rows) => {
        const failed = error !== undefined
        watched?.ended(execution.startedAt, host.recorder.end(execution, rows, untraced, failed), rows, failed)
        return announced?.end(error === undefined ? 'committed' : writeOutcomeOf(error))
      },
    }
  }

  #watch(
    { sql, bindings = NO_BINDINGS }: QueryObject,
    { analyzed, statement }: Described,
    caller: StatementCaller,
  ): WatchedShape | undefined {
    const { watch } = this.host
    if (watch === undefined || statement.transaction !== undefined || isShadowing()) return undefined
    return watch.begin(sql, this.dialect, analyzed, bindings, caller)
  }

  /** Reads the catalogue in the background once it is of use, and again after DDL. */
  ensureCatalog(client: ClientInternals): void {
    if (this.#catalog !== 'unread' || client.transacting === true) return
    this.#catalog = 'reading'
    this.host.catalogs.set(this.sourceId, undefined)
    this.#readCatalog(client).catch((error: unknown) => {
      if (this.#catalog !== 'reading') return
      this.#catalog = 'read'
      this.host.catalogs.delete(this.sourceId)
      this.host.reportError(error)
    })
  }

  /** Drops the catalogue; it is read again once it is of use. */
  forgetCatalog(): void {
    this.#catalog = 'unread'
    this.host.catalogs.delete(this.sourceId)
  }

  async #readCatalog(client: ClientInternals): Promise<void> {
    await openConnection(client, this.base, this.dialect, async (source) => {
      const catalog = await readCatalog(source)
      await warnOfLateWrites(source, this.host)
      // DDL may have come meanwhile; then it is read again.
      if (this.#catalog !== 'reading') return
      this.#catalog = 'read'
      this.host.catalogs.set(this.sourceId, catalog)
    })
  }

  /** Announces what a statement writes, unless that takes effect at a later commit. */
  #announce(connection: object, statement: Statement, values?: readonly unknown[]): AnnouncedWrite | undefined {
    const effect = this.#effectOf(statement, values)
    if (effect === undefined) return undefined
    const transaction = this.#transactions.get(connection)
    if (this.dialect === 'mysql' && statement.kinds.includes('SET')) this.#altered.add(connection)
    if (transaction !== undefined) {
      transaction.isDoubtful ||= statement.mayCommit
      transaction.writes.add(effect)
      if (!transaction.isDoubtful) return undefined
    }
    // What the connection wrote before is committed along with this, for all that is known.
    const isOpen = transaction !== undefined || this.#altered.has(connection)
    return this.host.writes.announce(isOpen && statement.mayCommit ? EVERYTHING : effect)
  }

  #effectOf(statement: Statement, values: readonly unknown[] | undefined): WriteEffect | undefined {
    try {
      const effect = effectOfStatement(statement, this.sourceId, this.host.catalogs, values)
      if (statement.ddl) this.#schemaChanged(statement)
      return effect
    } catch (error) {
      this.host.reportError(error)
      return EVERYTHING
    }
  }

  async #control(
    client: ClientInternals,
    connection: object,
    control: TransactionControl,
    run: () => Promise<QueryObject>,
  ): Promise<QueryObject> {
    const open = this.#transactions.get(connection)
    const { kind } = control
    // MySQL commits before it begins anew; elsewhere BEGIN changes nothing in a transaction.
    const commits = kind === 'commit' || (kind === 'begin' && open !== undefined && this.dialect === 'mysql')
    // Without a transaction that is known, it ends one that is not: `SET autocommit = 0`, say.
    const mayEnd = kind === 'begin' ? this.#altered.has(connection) : kind !== 'savepoint'
    const endsUnknown = mayEnd && (open === undefined || open.isDoubtful)
    const announced = endsUnknown ? this.host.writes.announce(EVERYTHING) : undefined
    // The end of what is not known cannot be refused: it may be over already.
    if (announced?.ready !== undefined) await announced.ready.catch(() => {})
    if (commits) await this.#allowed(client, connection, open)
    let result: QueryObject
    try {
      result = await run()
    } catch (error) {
      await announced?.end(writeOutcomeOf(error))
      if (kind === 'commit' || kind === 'rollback') await this.#endTransaction(connection, writeOutcomeOf(error))
      // Whether it was committed before BEGIN failed is not known.
      else if (commits) await this.#endTransaction(connection, 'unknown')
      throw error
    }
    await announced?.end('committed')
    if (kind === 'savepoint') open?.writes.savepoint(control.name)
    else if (kind === 'release') open?.writes.release(control.name)
    else if (kind === 'rollback-to') open?.writes.rollbackTo(control.name)
    else if (kind === 'rollback') await this.#endTransaction(connection, 'rolled-back')
    else if (commits) await this.#endTransaction(connection, wasRolledBack(result.response) ? 'rolled-back' : 'committed')
    const begins = kind === 'begin' || ((kind === 'commit' || kind === 'rollback') && control.chain === true)
    if (begins && !this.#transactions.has(connection)) {
      // Reads of Knex' own transactions are known to be in one.
      this.#transactions.set(connection, { writes: this.host.writes.transaction(), isDoubtful: client.transacting !== true })
    }
    return result
  }

  /** Settles when COMMIT may be sent. If others cannot be told of what it wrote, the transaction is rolled back in its place. */
  async #allowed(client: ClientInternals, connection: object, open: OpenTransaction | undefined): Promise<void> {
    const ready = open?.writes.beforeCommit()
    if (ready === undefined) return
    try {
      await ready
    } catch (error) {
      try {
        await this.base._query.call(client, connection, { sql: 'ROLLBACK', bindings: [], method: 'raw' })
      } finally {
        await this.#endTransaction(connection, 'rolled-back')
      }
      throw error
    }
  }

  #endTransaction(connection: object, outcome: WriteOutcome): Promise<void> | undefined {
    const ended = this.#transactions.get(connection)?.writes.end(outcome)
    this.#transactions.delete(connection)
    this.host.transactionEnded()
    return ended
  }

  #schemaChanged(statement: Statement): void {
    for (const name of statement.temporary) {
      this.host.catalogs.shadow(name)
      if (this.#temporary.size < MAX_TEMPORARY) this.#temporary.add(lastOf([name]))
    }
    for (const name of statement.triggered) this.host.catalogs.trigger(name)
    if (this.#catalog === 'unread') return
    this.#catalog = 'unread'
    this.host.catalogs.set(this.sourceId, undefined)
  }

  #describe(sql: string): Described {
    const analyzed = analyzeSql(sql, this.dialect)
    const known = this.#described.get(analyzed)
    if (known !== undefined) return known
    this.host.seen(sql, this.dialect, analyzed)
    const { statement, shape: label, fingerprint } = analyzed
    const isRead = statement.kinds.every((word) => word === 'SELECT' || word === 'WITH') && statement.writes.length === 0
    // What Sluice itself sends is no read of the app.
    const kind = isRead && statement.isOwn !== true ? 'read' : 'write'
    const onlyReads = kind === 'read' && statement.opaque === undefined && statement.functions.size === 0
    const isRepeatable = onlyReads && !statement.volatile && sql.length <= MAX_COMPARED_LENGTH
    const described = {
      analyzed,
      statement,
      onlyReads,
      isRepeatable,
      shape: { fingerprint, label, kind, fix: () => fixForSql(label) } as const,
    }
    this.#described.set(analyzed, described)
    return described
  }
}

function isOfServer(name: readonly string[], dialect: Dialect): boolean {
  if (dialect === 'mysql') return name.length > 1 && /^(?:information_schema|performance_schema|mysql|sys)$/i.test(name[0] ?? '')
  return name.some((part) => /^(?:pg_|information_schema$)/i.test(part))
}

function lastOf(name: readonly string[]): string {
  return (name.at(-1) ?? '').toLowerCase()
}
