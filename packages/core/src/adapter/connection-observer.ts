import { addCallers, raiseStackLimit, restoreStackLimit } from '../pipeline/error-stack.ts'
import type { Execution } from '../pipeline/execution.ts'
import { writeOutcomeOf } from '../pipeline/outcome.ts'
import type { QueryStats } from '../pipeline/query-stats.ts'
import type { Recorder } from '../pipeline/recorder.ts'
import type { Ambient, ScopeStorage } from '../pipeline/scope.ts'
import type { SoleWriter } from '../pipeline/sole-writer.ts'
import type { StatementWatch } from '../pipeline/statement-watch.ts'
import type { TransactionReads } from '../pipeline/transaction-reads.ts'
import type { AnnouncedWrite, TransactionWrites, WriteOutcome } from '../pipeline/writes.ts'
import { EVERYTHING, type WriteEffect } from '../schema/catalog.ts'
import type { AnalyzedSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { TransactionControl } from '../sql/statement.ts'
import { TOO_LONG } from '../sql/tokenize.ts'
import type { CatalogConnections, CatalogHost, CatalogReader } from './catalog-reader.ts'
import { ConnectionTransactions, type TransactionHost } from './connection-transactions.ts'
import { CountedReads } from './counted-reads.ts'
import type { EqualitySelect } from './equality-select.ts'
import { type OwnStatement, OwnStatements, soleWriterOf } from './own-statement.ts'
import { sending } from './sending.ts'
import type { SentControl, SentStatement, StreamedStatement } from './sent-statement.ts'
import { refuseToWait } from './single-write.ts'
import { type StatementPlan, StatementPlans } from './statement-plan.ts'
import { StatementRecords } from './statement-records.ts'
import { TimedStatement } from './timed-statement.ts'
import { WriteAnnouncer } from './write-announcer.ts'

/** The services that {@link ConnectionObserver} needs. */
export interface ObserverHost extends TransactionHost, CatalogHost {
  readonly recorder: Recorder
  readonly scopes: ScopeStorage
  readonly watch: StatementWatch | undefined
  readonly stats: Pick<QueryStats, 'passThrough' | 'seen'>
  /**
   * Time to live in milliseconds of results that may be extended while no other process writes; `undefined`:
   * none are.
   */
  readonly extendedTtlMs: number | undefined
  seen(sql: string, dialect: Dialect, analyzed: AnalyzedSql): void
}

/** The facts about the client that {@link ConnectionObserver} needs. */
export interface ObservedClient {
  readonly dialect: Dialect
  /**
   * Whether the pipeline records each operation with its normalized query, so that statements are only
   * counted. Default: no.
   */
  readonly recordsOperations?: boolean
  readonly isEmbedded?: boolean | undefined
  fix?(select: EqualitySelect): string | undefined
  isClosed?(connection: object): boolean
  wrote?(effect: WriteEffect): void
  writeOutcome?(error: unknown): WriteOutcome | undefined
}

type OutcomeOf = (error: unknown) => WriteOutcome

/**
 * Observes every statement of one client: records it, follows transactions by connection, and announces
 * writes.
 */
export class ConnectionObserver {
  readonly plans: StatementPlans
  readonly reads: CountedReads
  readonly #records: StatementRecords
  readonly #transactions: ConnectionTransactions
  readonly #writes: WriteAnnouncer
  readonly #own: OwnStatements | undefined
  readonly #outcomeOf: OutcomeOf
  readonly catalog: CatalogReader
  /** The proof that no other process writes; `undefined`: the database has none, or it is not used. */
  readonly soleWriter: SoleWriter | undefined

  constructor(
    private readonly host: ObserverHost,
    sourceId: string,
    private readonly options: ObservedClient,
    connections: CatalogConnections,
  ) {
    const { dialect } = options
    this.#outcomeOf = (error) => options.writeOutcome?.(error) ?? writeOutcomeOf(error)
    const readsCommitted = () => host.catalogs.of(sourceId)?.readsCommitted === true
    const soleWriter = soleWriterOf(options, host)
    this.soleWriter = soleWriter
    this.#transactions = new ConnectionTransactions(
      host,
      dialect,
      this.#outcomeOf,
      readsCommitted,
      soleWriter,
    )
    this.#own = soleWriter && new OwnStatements(soleWriter, host, sourceId, dialect, this.#transactions)
    this.#writes = new WriteAnnouncer(
      { host, sourceId, client: options, transactions: this.#transactions, soleWriter },
      connections,
    )
    this.catalog = this.#writes.catalog
    this.plans = new StatementPlans({
      sourceId,
      dialect,
      catalogs: host.catalogs,
      fix: options.fix?.bind(options),
      seen: (sql, dialect, analyzed) => host.seen(sql, dialect, analyzed),
      areShared: (tables) => this.catalog.areShared(tables),
      sharedVersion: () => this.catalog.temporaryTables,
    })
    const client = { sourceId, dialect, recordsOperations: options.recordsOperations }
    const writes = this.#writes
    const records = new StatementRecords(host, client, writes)
    this.#records = records
    const { plans } = this
    this.reads = new CountedReads({ host, client, plans, records, writes, transactions: this.#transactions })
  }

  /** Whether a transaction is open on a connection. */
  isOpen(connection: object): boolean {
    return this.#transactions.isOpen(connection)
  }

  /** See {@link ConnectionTransactions.readsOf}. */
  readsOf(connection: object): TransactionReads | undefined {
    return this.#transactions.readsOf(connection)
  }

  /** The effect of a statement, as far as its SQL and the catalog show it; `undefined`: none. */
  effectOf(sql: string, params: readonly unknown[]): WriteEffect | undefined {
    return this.#writes.effectOf(this.plans.of(sql), params)
  }

  /** Sends a statement. */
  statement<T>(connection: object, sent: SentStatement<Promise<T>>): Promise<T> {
    const execution = this.reads.beginSent(connection, sent)
    if (execution !== undefined) return this.reads.send(execution, sent)
    const limit = raiseStackLimit()
    try {
      const { ambient, timed } = this.host.scopes
      const timer = timed === 0 ? undefined : ambient.counted?.timer
      return timer === undefined
        ? this.#statement(connection, sent, ambient)
        : timer.inside(() => this.#statement(connection, new TimedStatement(sent, timer), ambient))
    } finally {
      restoreStackLimit(limit)
    }
  }

  #statement<T>(connection: object, sent: SentStatement<Promise<T>>, ambient: Ambient): Promise<T> {
    const described = this.#counted(sent.sql, ambient)
    if (described === undefined) {
      this.readsOf(connection)?.spoil()
      this.soleWriter?.refute()
      return this.#settled(connection, this.#transactions.announce(EVERYTHING, true), sent)
    }
    const { transaction } = described.analyzed.statement
    if (transaction !== undefined) return this.control(connection, transaction, sent)
    if (!described.isPlainRead) {
      this.readsOf(connection)?.spoil()
      this.#own?.examine(described.analyzed.statement, sent.sql)
    }
    const announced = this.#writes.announce(connection, described, sent.params)
    return announced?.ready === undefined
      ? this.#send(connection, sent, described, ambient, announced)
      : announced.ready.then(() => this.#send(connection, sent, described, ambient, announced))
  }

  /** Sends a statement of a synchronous driver. */
  statementSync<T>(connection: object, sent: SentStatement<T>): T {
    const { timer } = this.host.scopes
    try {
      return timer === undefined
        ? this.#statementSync(connection, sent)
        : timer.inside(() => this.#statementSync(connection, new TimedStatement(sent, timer)))
    } catch (error) {
      addCallers(error)
      throw error
    }
  }

  #statementSync<T>(connection: object, sent: SentStatement<T>): T {
    const { ambient } = this.host.scopes
    const described = this.#counted(sent.sql, ambient)
    const statement = described?.analyzed.statement
    if (statement?.transaction !== undefined)
      return this.#transactions.controlSync(connection, statement.transaction, sent)
    if (described?.onlyReads === true && this.host.isOptimizing())
      this.host.stats.passThrough('SYNCHRONOUS_CLIENT')
    const announced =
      described === undefined
        ? this.#transactions.announce(EVERYTHING, true)
        : this.#writes.announce(connection, described, sent.params)
    refuseToWait(announced?.ready)
    const running = described && this.#records.begin(connection, sent, described, ambient, 'synchronous')
    let answer: T
    try {
      answer = sending(sent)
    } catch (error) {
      announced?.end(this.#outcomeOf(error))
      this.#transactions.failed(connection, error)
      if (running !== undefined) this.#records.end(running, 0, true)
      throw error
    }
    announced?.end('committed')
    if (running !== undefined) this.#records.answered(running, sent, answer as Awaited<T>)
    return answer
  }

  /** Observes a statement that the adapter sends itself, and whose answer arrives as a stream. */
  stream(connection: object, sent: Pick<SentStatement<unknown>, 'sql' | 'params'>): StreamedStatement {
    const described = this.plans.of(sent.sql)
    this.readsOf(connection)?.spoil()
    const { scopes, recorder } = this.host
    const { ambient } = scopes
    const scope = ambient.counted
    // The rows arrive later, so the code that collects tags does not see them.
    scope?.basis?.spoil('UNKNOWN_READ')
    recorder.statement(scope)
    const announced = this.#writes.announce(connection, described, sent.params)
    const running = this.#records.begin(connection, sent, described, ambient, 'stream')
    return {
      ready: announced?.ready,
      end: (error, rows) => {
        this.#records.end(running, rows, error !== undefined)
        const announcing = announced?.end(error === undefined ? 'committed' : this.#outcomeOf(error))
        if (error !== undefined) this.#transactions.failed(connection, error)
        return announcing
      },
    }
  }

  /** Runs several statements that are sent as one string: they may write anything. */
  script<T>(run: () => Promise<T>): Promise<T> {
    // It may begin a transaction that stays open.
    this.soleWriter?.refute()
    return this.#settled({}, this.#transactions.announce(EVERYTHING, true), { send: run })
  }

  /** Reports that a transaction has begun by a call. See {@link ConnectionTransactions.begun}. */
  begun(connection: object, writes?: TransactionWrites, control?: TransactionControl): void {
    this.#transactions.begun(connection, writes, control)
  }

  /** Sends transaction control that is a call of the ORM, such as `commit()`. */
  control<T>(connection: object, control: TransactionControl, sent: SentControl<Promise<T>>): Promise<T> {
    return this.#transactions.control(connection, control, sent)
  }

  /** Counts a statement. `undefined`: Sluice failed to read it, so it may do anything. */
  #counted(sql: string, ambient: Ambient): StatementPlan | undefined {
    const { recorder } = this.host
    const scope = ambient.counted
    recorder.statement(scope)
    // In `observe`, operations bypass the pipeline, and each statement is one.
    if (this.options.recordsOperations !== true && scope !== undefined && !this.host.isOptimizing())
      scope.counts.operations += 1
    try {
      const described = this.plans.of(sql)
      if (described.analyzed.statement.opaque === TOO_LONG) recorder.unparsed()
      return described
    } catch (error) {
      this.host.reportError(error)
      return undefined
    }
  }

  #send<T>(
    connection: object,
    sent: SentStatement<Promise<T>>,
    described: StatementPlan,
    ambient: Ambient,
    announced: AnnouncedWrite | undefined,
  ): Promise<T> {
    const running = this.#records.begin(connection, sent, described, ambient)
    const own = announced && this.#own?.send(connection, described.analyzed.statement)
    let answered: Promise<T>
    try {
      answered = sending(sent)
    } catch (error) {
      announced?.end(this.#outcomeOf(error))
      own?.failed(this.#outcomeOf(error))
      this.#transactions.failed(connection, error)
      this.#records.end(running, 0, true)
      throw error
    }
    if (announced !== undefined) return this.#settledAs(connection, announced, answered, sent, running, own)
    // Its caller awaits this promise: with two reactions, V8 would cut the stack of an error at `answered`.
    return answered.then(
      (answer) => {
        this.#records.answered(running, sent, answer as Awaited<Promise<T>>)
        return answer
      },
      (error: unknown) => {
        this.#transactions.failed(connection, error)
        this.#records.end(running, 0, true)
        addCallers(error)
        throw error
      },
    )
  }

  async #settled<T>(
    connection: object,
    announced: AnnouncedWrite,
    sent: Pick<SentStatement<Promise<T>>, 'send'>,
  ): Promise<T> {
    if (announced.ready !== undefined) await announced.ready
    return this.#settledAs(connection, announced, (async () => sending(sent))())
  }

  /**
   * Ends an announced write with the outcome of its statement, before the caller is notified. One promise:
   * each costs every write.
   */
  #settledAs<T>(
    connection: object,
    announced: AnnouncedWrite,
    answered: Promise<T>,
    sent?: SentStatement<Promise<T>>,
    running?: Execution,
    own?: OwnStatement,
  ): Promise<T> {
    return answered.then(
      (answer) => {
        if (sent !== undefined) {
          if (running !== undefined) this.#records.answered(running, sent, answer as Awaited<Promise<T>>)
          own?.answered(sent, answer as Awaited<Promise<T>>)
        }
        const announcing = announced.end('committed')
        return announcing === undefined ? answer : announcing.then(() => answer)
      },
      (error: unknown) => {
        if (running !== undefined) this.#records.end(running, 0, true)
        own?.failed(this.#outcomeOf(error))
        const announcing = announced.end(this.#outcomeOf(error))
        this.#transactions.failed(connection, error)
        addCallers(error)
        if (announcing === undefined) throw error
        return announcing.then(() => {
          throw error
        })
      },
    )
  }
}
