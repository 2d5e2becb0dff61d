import { captureStack } from '../pipeline/call-site.ts'
import type { Stack } from '../pipeline/execution-group.ts'
import type { Shape } from '../pipeline/operation.ts'
import { writeOutcomeOf } from '../pipeline/outcome.ts'
import type { Recorder } from '../pipeline/recorder.ts'
import type { Ambient, ScopeStorage } from '../pipeline/scope.ts'
import type { StatementCaller, StatementWatch } from '../pipeline/statement-watch.ts'
import type { AnnouncedWrite, TransactionWrites, WriteOutcome } from '../pipeline/writes.ts'
import { EVERYTHING, type WriteEffect } from '../schema/catalog.ts'
import { hiddenLevel } from '../schema/hidden-calls.ts'
import { mayDefine } from '../schema/statement-definitions.ts'
import { effectOfStatement } from '../schema/statement-effect.ts'
import { WritePlan } from '../schema/write-plan.ts'
import { type AnalyzedSql, analyzeSql } from '../sql/analyze.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Statement, TransactionControl } from '../sql/statement.ts'
import { TOO_LONG } from '../sql/tokenize.ts'
import { type AskedSelect, readAskedSelect } from './asked-select.ts'
import { type CatalogHost, CatalogReader, type CatalogSource } from './catalog-reader.ts'
import { ConnectionTransactions, refuseToWait, type TransactionHost } from './connection-transactions.ts'
import { RunningStatement } from './running-statement.ts'
import type { SentControl, SentStatement, StreamedStatement } from './sent-statement.ts'
import { SessionSettings } from './session-settings.ts'
import { TimedStatement } from './timed-statement.ts'

/** The services that {@link ConnectionObserver} needs. */
export interface ObserverHost extends TransactionHost, CatalogHost {
  readonly recorder: Recorder
  readonly scopes: ScopeStorage
  readonly watch: StatementWatch | undefined
  seen(sql: string, dialect: Dialect, analyzed: AnalyzedSql): void
}

/** What {@link ConnectionObserver} needs to know of the client. */
export interface ObservedClient {
  readonly dialect: Dialect
  /** Whether the pipeline records each operation with its shape, so that statements are only counted. Default: no. */
  readonly recordsOperations?: boolean
  fix?(asked: AskedSelect): string | undefined
  isClosed?(connection: object): boolean
  wrote?(effect: WriteEffect): void
}

/** The facts about a statement without its values. */
interface Described {
  readonly analyzed: AnalyzedSql
  readonly shape: Shape
  /** Whether it certainly changes nothing. */
  readonly onlyReads: boolean
  /** Whether only writes can change its answer. */
  readonly isRepeatable: boolean
  plan: WritePlan | undefined
  /** The state of what is known in which it was found to write nothing. */
  harmlessIn: number
}

/** Longer statements are not compared with earlier ones, so repeats of them go unseen. */
const MAX_COMPARED_LENGTH = 20_000
const traced = { stack: captureStack }

/** Tells a read from others of its shape by its values: the same read twice is a duplicate query. */
class Comparable {
  constructor(private readonly sent: Pick<SentStatement<never>, 'sql' | 'params' | 'stack'>) {}

  stack(): Stack | undefined {
    return this.sent.stack === undefined ? captureStack() : this.sent.stack()
  }

  values(): unknown {
    return [this.sent.sql, this.sent.params]
  }
}

/** Observes every statement of one client: records it, follows transactions by connection, and announces writes. */
export class ConnectionObserver {
  /** By analyzed statement, which `analyzeSql` remembers for a while. */
  readonly #described = new WeakMap<AnalyzedSql, Described>()
  readonly #transactions: ConnectionTransactions
  readonly #sessions: SessionSettings
  readonly #dialect: Dialect
  readonly catalog: CatalogReader

  constructor(
    private readonly host: ObserverHost,
    private readonly sourceId: string,
    private readonly options: ObservedClient,
    { open, ask }: Pick<CatalogSource, 'open' | 'ask'>,
  ) {
    const { dialect } = options
    this.#dialect = dialect
    this.#transactions = new ConnectionTransactions(host, dialect)
    this.#sessions = new SessionSettings(options.isClosed?.bind(options))
    const changed = (checkMs: number) => this.#schemaChanged(checkMs)
    const called = () => this.#wroteEverything(false)
    this.catalog = new CatalogReader(host, { id: sourceId, dialect, open, ask, changed, called })
  }

  /** Whether a transaction is open on a connection. */
  isOpen(connection: object): boolean {
    return this.#transactions.isOpen(connection)
  }

  /** Whether a statement certainly only reads, and returns the same on every server with the same rows. */
  onlyReads(sql: string): boolean {
    const { onlyReads, analyzed } = this.#describe(sql)
    const { volatile, locks, reads } = analyzed.statement
    return onlyReads && !volatile && !locks && this.catalog.areShared(reads)
  }

  /** Sends a statement. */
  statement<T>(connection: object, sent: SentStatement<Promise<T>>): Promise<T> {
    const { timer } = this.host.scopes
    return timer === undefined
      ? this.#statement(connection, sent)
      : timer.inside(() => this.#statement(connection, new TimedStatement(sent, timer)))
  }

  #statement<T>(connection: object, sent: SentStatement<Promise<T>>): Promise<T> {
    const { ambient } = this.host.scopes
    const described = this.#counted(sent.sql, ambient)
    if (described === undefined) return this.#settled(this.#transactions.announce(EVERYTHING, true), sent)
    const { transaction } = described.analyzed.statement
    if (transaction !== undefined) return this.control(connection, transaction, sent)
    const announced = this.#announce(connection, described, sent.params)
    return announced?.ready === undefined
      ? this.#send(sent, described, ambient, announced)
      : announced.ready.then(() => this.#send(sent, described, ambient, announced))
  }

  /** Sends a statement of a synchronous driver. */
  statementSync<T>(connection: object, sent: SentStatement<T>): T {
    const { timer } = this.host.scopes
    return timer === undefined
      ? this.#statementSync(connection, sent)
      : timer.inside(() => this.#statementSync(connection, new TimedStatement(sent, timer)))
  }

  #statementSync<T>(connection: object, sent: SentStatement<T>): T {
    const { ambient } = this.host.scopes
    const described = this.#counted(sent.sql, ambient)
    const statement = described?.analyzed.statement
    if (statement?.transaction !== undefined) return this.#transactions.controlSync(connection, statement.transaction, sent)
    const announced =
      described === undefined ? this.#transactions.announce(EVERYTHING, true) : this.#announce(connection, described, sent.params)
    refuseToWait(announced?.ready)
    const running = described && this.#begin(sent, described, ambient)
    let answer: T
    try {
      answer = sent.send()
    } catch (error) {
      announced?.end(writeOutcomeOf(error))
      running?.failed()
      throw error
    }
    announced?.end('committed')
    running?.answered(sent, answer as Awaited<T>)
    return answer
  }

  /** Observes a statement that the adapter sends itself, and whose answer arrives as a stream. */
  stream(connection: object, sent: Pick<SentStatement<unknown>, 'sql' | 'params'>): StreamedStatement {
    const described = this.#describe(sent.sql)
    const { scopes, recorder } = this.host
    const { ambient } = scopes
    const scope = ambient.counted
    // The rows arrive later, unseen by the code that collects tags.
    scope?.basis?.spoil('unknown read')
    recorder.statement(scope)
    const announced = this.#announce(connection, described, sent.params)
    const running = this.#begin(sent, described, ambient, true)
    return {
      ready: announced?.ready,
      end: (error, rows) => {
        running.end(rows, error !== undefined)
        return announced?.end(error === undefined ? 'committed' : writeOutcomeOf(error))
      },
    }
  }

  /** Runs several statements that are sent as one string: they may write anything. */
  script<T>(run: () => Promise<T>): Promise<T> {
    return this.#settled(this.#transactions.announce(EVERYTHING, true), { send: run })
  }

  /** A transaction has begun by a call. See {@link ConnectionTransactions.begun}. */
  begun(connection: object, writes?: TransactionWrites): void {
    this.#transactions.begun(connection, writes)
  }

  /** Sends transaction control that is a call of the ORM, such as `commit()`. */
  control<T>(connection: object, control: TransactionControl, sent: SentControl<Promise<T>>): Promise<T> {
    return this.#transactions.control(connection, control, sent)
  }

  /** Counts a statement. `undefined`: Sluice failed to read it, so it may do anything. */
  #counted(sql: string, ambient: Ambient): Described | undefined {
    const { recorder } = this.host
    const scope = ambient.counted
    recorder.statement(scope)
    // In `observe`, operations bypass the pipeline, and each statement is one.
    if (this.options.recordsOperations !== true && scope !== undefined && !this.host.isOptimizing()) scope.counts.operations += 1
    try {
      const described = this.#describe(sql)
      if (described.analyzed.statement.opaque === TOO_LONG) recorder.unparsed()
      return described
    } catch (error) {
      this.host.reportError(error)
      return undefined
    }
  }

  #send<T>(sent: SentStatement<Promise<T>>, described: Described, ambient: Ambient, announced: AnnouncedWrite | undefined): Promise<T> {
    const running = this.#begin(sent, described, ambient)
    let answered: Promise<T>
    try {
      answered = sent.send()
    } catch (error) {
      announced?.end(writeOutcomeOf(error))
      running.failed()
      throw error
    }
    if (announced !== undefined) return settledAs(announced, answered, sent, running)
    answered.then(
      (answer) => running.answered(sent, answer as Awaited<Promise<T>>),
      () => running.failed(),
    )
    return answered
  }

  async #settled<T>(announced: AnnouncedWrite, sent: Pick<SentStatement<Promise<T>>, 'send'>): Promise<T> {
    if (announced.ready !== undefined) await announced.ready
    return settledAs(announced, (async () => sent.send())())
  }

  /** Records a statement that is sent now. */
  #begin(
    sent: Pick<SentStatement<unknown>, 'sql' | 'params' | 'stack' | 'caller'>,
    { analyzed, shape, isRepeatable }: Described,
    ambient: Ambient,
    isStream = false,
  ): RunningStatement {
    const { recorder, watch } = this.host
    const { recordsOperations } = this.options
    const issued = isRepeatable && !isStream ? new Comparable(sent as SentStatement<never>) : sent.stack === undefined ? traced : sent
    const caller = (recordsOperations === true ? sent.caller : issued) as StatementCaller | undefined
    const watched =
      watch === undefined || ambient.isShadowing ? undefined : watch.begin(sent.sql, this.#dialect, analyzed, sent.params, caller)
    const scope = ambient.counted
    const execution = recordsOperations === true ? undefined : recorder.begin(scope, shape, issued)
    const startedAt = execution?.startedAt ?? recorder.sent(scope)
    // Sent after the scope has ended, it does not count to it.
    return new RunningStatement(this.host, execution, scope?.ended === true ? undefined : scope, startedAt, watched)
  }

  /** Names the state of what is known of the schema, and of whether it is used. */
  get #state(): number {
    const version = this.host.catalogs.used()
    return this.host.isOptimizing() ? version : ~version
  }

  /** Announces the write of a statement, unless it takes effect at a later commit. */
  #announce(connection: object, described: Described, params: readonly unknown[]): AnnouncedWrite | undefined {
    // As long as a session is changed, its connection may be closed at any time.
    if (described.harmlessIn === this.#state && this.#sessions.isPlain) return undefined
    const { analyzed, onlyReads } = described
    if (onlyReads && !this.#mayCallUnseen()) return this.#harmless(described)
    const { statement } = analyzed
    const { catalogs } = this.host
    let effect: WriteEffect | undefined
    let defines: boolean
    try {
      const plan = this.#planOf(described)
      effect = plan === undefined ? effectOfStatement(statement, this.sourceId, catalogs, params) : plan.effectOf(params)
      if (statement.session.length > 0) this.#sessions.note(connection, statement.session)
      if (statement.ddl) this.catalog.shadowed(statement)
      if (effect === undefined) return this.#unread(connection, described)
      if (plan === undefined) {
        // While another source is being read, the client's own catalog still tells what a statement may define.
        const catalog = catalogs.seenBy(this.sourceId) ?? catalogs.of(this.sourceId) ?? catalogs.catalog(this.#dialect)
        defines = mayDefine(statement, catalog, effect)
        if (catalog === undefined && !defines) return this.#suspected(connection, statement, effect)
      } else defines = plan.defines
      this.options.wrote?.(effect)
    } catch (error) {
      this.host.reportError(error)
      effect = EVERYTHING
      defines = true
    } finally {
      catalogs.setStrange(this.sourceId, this.#sessions.hasChanged)
    }
    return this.#transactions.write(connection, statement, effect, defines)
  }

  /** Most statements are sent again and again, and write the same until a catalog changes. */
  #planOf(described: Described): WritePlan | undefined {
    const { plan } = described
    const { catalogs } = this.host
    if (plan?.version !== catalogs.used())
      described.plan = WritePlan.of(described.analyzed.statement, this.sourceId, catalogs)
    return described.plan
  }

  /** Whether a statement may call functions that only the catalog shows. */
  #mayCallUnseen(): boolean {
    if (this.#dialect === 'postgresql') return true
    return this.host.isOptimizing() && this.host.catalogs.seenBy(this.sourceId)?.readsMayDo !== 'reads'
  }

  #harmless(described: Described): undefined {
    const { session, ddl } = described.analyzed.statement
    if (session.length === 0 && !ddl) described.harmlessIn = this.#state
  }

  /** Announces a read that is sent while the functions that its views and policies call are unknown. */
  #unread(connection: object, described: Described): AnnouncedWrite | undefined {
    const { host, sourceId } = this
    const { statement } = described.analyzed
    if (statement.reads.length === 0 || !host.isOptimizing() || host.catalogs.seenBy(sourceId) !== undefined)
      return this.#harmless(described)
    // Its adapter may have left it alone.
    if (!this.#transactions.isOpen(connection)) void this.catalog.read()
    const { readsMayDo } = this.catalog
    if (readsMayDo !== undefined && readsMayDo !== 'reads')
      return this.#transactions.write(connection, statement, EVERYTHING, readsMayDo === 'defines')
    // A catalog that comes later tells for itself.
    const end = (outcome: WriteOutcome): Promise<void> | undefined => {
      const level = hiddenLevel(statement, host.catalogs.seenBy(sourceId))
      return outcome === 'rolled-back' || level === 'reads' ? undefined : this.#wroteEverything(level === 'defines').then(() => {})
    }
    return this.#transactions.ends(connection, (outcome) => void end(outcome)) ? undefined : { ready: undefined, end }
  }

  /** Announces a statement that may do anything, while the catalog is being read: it must not have changed meanwhile. */
  #suspected(connection: object, statement: Statement, effect: WriteEffect): AnnouncedWrite | undefined {
    const forget = this.catalog.suspect(statement)
    const ended = (outcome: WriteOutcome) => {
      if (outcome === 'unknown') this.host.catalogs.generations.beginDefinition()(false)
      forget()
    }
    const announced = this.#transactions.write(connection, statement, effect, false)
    // What a transaction did takes effect at its commit.
    const isOpen = this.#transactions.ends(connection, ended)
    if (isOpen || announced === undefined) return announced
    announced.ready?.catch(forget)
    return {
      ready: announced.ready,
      end(outcome) {
        ended(outcome)
        return announced.end(outcome)
      },
    }
  }

  /** Another process changed the schema: whatever was written meanwhile may have done more than it was understood to do. */
  async #schemaChanged(checkMs: number): Promise<boolean> {
    const { latestWriteMs } = this.host
    // Who shares the store may write, and end before it notices.
    if (latestWriteMs !== undefined) setTimeout(() => void this.#wroteEverything(false), 2 * (latestWriteMs + checkMs)).unref()
    return this.#wroteEverything(true)
  }

  /** @returns Whether all who must know were told. */
  async #wroteEverything(defines: boolean): Promise<boolean> {
    try {
      const announced = this.#transactions.announce(EVERYTHING, defines)
      await announced.ready
      await announced.end('committed')
      return true
    } catch {
      return false
    }
  }

  #fixOf(sql: string): string | undefined {
    const asked = this.options.fix === undefined || sql.length > MAX_COMPARED_LENGTH ? undefined : readAskedSelect(sql, this.#dialect)
    return asked && this.options.fix?.(asked)
  }

  #describe(sql: string): Described {
    const analyzed = analyzeSql(sql, this.#dialect)
    const known = this.#described.get(analyzed)
    if (known !== undefined) return known
    this.host.seen(sql, this.#dialect, analyzed)
    const { statement, shape: label, fingerprint } = analyzed
    const isRead = statement.kinds.every((word) => word === 'SELECT' || word === 'WITH') && statement.writes.length === 0
    // A statement of Sluice itself is not a read of the app.
    const kind = isRead && statement.isOwn !== true ? 'read' : 'write'
    const onlyReads = kind === 'read' && statement.opaque === undefined && statement.functions.size === 0
    const isRepeatable = onlyReads && !statement.volatile && sql.length <= MAX_COMPARED_LENGTH
    let fix: { readonly text: string | undefined } | undefined
    const shape: Shape = {
      ...{ fingerprint, label, kind },
      fix: () => {
        fix ??= { text: this.#fixOf(sql) }
        return fix.text
      },
    }
    const described: Described = { analyzed, onlyReads, isRepeatable, shape, plan: undefined, harmlessIn: Number.NaN }
    this.#described.set(analyzed, described)
    return described
  }
}

/** Ends an announced write with the outcome of its statement, before the caller is notified. One promise: each costs every write. */
function settledAs<T>(
  announced: AnnouncedWrite,
  answered: Promise<T>,
  sent?: SentStatement<Promise<T>>,
  running?: RunningStatement,
): Promise<T> {
  return answered.then(
    (answer) => {
      if (sent !== undefined) running?.answered(sent, answer as Awaited<Promise<T>>)
      const told = announced.end('committed')
      return told === undefined ? answer : told.then(() => answer)
    },
    (error: unknown) => {
      running?.failed()
      const told = announced.end(writeOutcomeOf(error))
      if (told === undefined) throw error
      return told.then(() => {
        throw error
      })
    },
  )
}
