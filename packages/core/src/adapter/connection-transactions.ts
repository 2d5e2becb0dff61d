import { addCallers } from '../pipeline/error-stack.ts'
import type { OwnTransaction } from '../pipeline/own-transaction.ts'
import type { SoleWriter } from '../pipeline/sole-writer.ts'
import { TransactionReads } from '../pipeline/transaction-reads.ts'
import type { TraceSlot } from '../pipeline/workload-trace.ts'
import type { AnnouncedWrite, TransactionWrites, WriteOutcome, WriteTracker } from '../pipeline/writes.ts'
import { EVERYTHING, type WriteEffect } from '../schema/catalog.ts'
import type { CatalogRegistry } from '../schema/catalog-registry.ts'
import { usesRule } from '../shared/yield-rules.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Statement, TransactionControl } from '../sql/statement.ts'
import { ControlsInFlight } from './controls-in-flight.ts'
import { sending } from './sending.ts'
import type { SentControl } from './sent-statement.ts'
import { endLate, refuseToWait, SingleWrite } from './single-write.ts'

/** The services that {@link ConnectionTransactions} needs. */
export interface TransactionHost {
  readonly writes: WriteTracker
  readonly catalogs: CatalogRegistry
  readonly trace: TraceSlot
  /** Reports that a transaction of the current scope has ended. */
  transactionEnded(): void
}

interface OpenTransaction {
  readonly writes: TransactionWrites
  /**
   * Whether its writes may take effect before its end is seen: the ORM does not know of it, or a statement in
   * it may have committed it. They are announced when they are sent, and again at the end.
   */
  isDoubtful: boolean
  /**
   * Whether a failed statement may have rolled it back: its later writes may take effect immediately. They
   * are announced when they are sent.
   */
  mayHaveEnded: boolean
  /**
   * Whether a statement in it may have changed the schema. Its later writes then count as writes to
   * everything.
   */
  defines: boolean
  /** The generation of the schema by which its first write was analyzed. */
  generation: number | undefined
  /** Called when it has ended. */
  readonly ended: ((outcome: WriteOutcome) => void)[]
  /** Whether the adapter notifies the scope of the end. */
  readonly isOwned: boolean
  /** `undefined`: its reads are not known to see what other connections see. */
  readonly reads: TransactionReads | undefined
  /** Its effect on the server's counter of transactions; `undefined`: it is not followed. */
  readonly own: OwnTransaction | undefined
}

/** A statement of transaction control, between its start and its answer. */
interface Step {
  readonly open: OpenTransaction | undefined
  readonly commits: boolean
  readonly announced: AnnouncedWrite | undefined
}

/** The transactions of one client, by connection: begin, savepoint, commit, rollback, connection lost. */
export class ConnectionTransactions {
  readonly #open = new WeakMap<object, OpenTransaction>()
  /**
   * Connections of MySQL with session settings: if `autocommit` is off, a transaction is open without BEGIN.
   */
  readonly #altered = new WeakSet<object>()
  readonly #inFlight = new ControlsInFlight()

  constructor(
    private readonly host: TransactionHost,
    private readonly dialect: Dialect,
    /** The outcome that the error of a failed statement proves. */
    private readonly outcomeOf: (error: unknown) => WriteOutcome,
    /** Whether a transaction that sets no isolation level sees what is committed when it reads. */
    private readonly readsCommitted: () => boolean,
    private readonly soleWriter?: SoleWriter | undefined,
  ) {}

  isOpen(connection: object): boolean {
    return this.#open.has(connection)
  }

  /** The reads of the connection's transaction; `undefined`: they may see something else than other reads. */
  readsOf(connection: object): TransactionReads | undefined {
    return this.#open.get(connection)?.reads
  }

  /** The connection's transaction, as far as it raises the server's counter; see {@link SoleWriter}. */
  ownOf(connection: object): OwnTransaction | undefined {
    return this.#open.get(connection)?.own
  }

  /**
   * Calls a function when the connection's transaction has ended. Returns `false` if none is open, or if it
   * may have ended already.
   */
  ends(connection: object, ended: (outcome: WriteOutcome) => void): boolean {
    const open = this.#open.get(connection)
    open?.ended.push(ended)
    return open?.mayHaveEnded === false && !this.#inFlight.has(connection)
  }

  /**
   * Reports that a transaction has begun by a call.
   *
   * @param writes - Collects its writes. The adapter that passes it also notifies the scope of the end.
   * @param control - How it has begun. Default: unknown, so its reads are not served from the cache.
   */
  begun(connection: object, writes?: TransactionWrites, control?: TransactionControl): void {
    this.#begun(connection, false, control && this.#readsAfter(control), writes)
  }

  #begun(
    connection: object,
    isDoubtful: boolean,
    reads: TransactionReads | undefined,
    writes?: TransactionWrites,
  ): void {
    this.host.trace.current?.began(connection)
    // Its statements may be sent as if there were no transaction.
    if (isDoubtful) this.soleWriter?.refute()
    this.ownOf(connection)?.end('unknown')
    this.#open.set(connection, {
      writes: writes ?? this.host.writes.transaction(),
      isDoubtful,
      mayHaveEnded: false,
      defines: false,
      generation: undefined,
      ended: [],
      isOwned: writes !== undefined,
      reads,
      own: this.soleWriter?.begin(),
    })
  }

  /**
   * Adds a write to the connection's transaction, or announces it if it may take effect before a commit is
   * seen.
   *
   * @param defines - Whether it may change the schema.
   */
  write(
    connection: object,
    { mayCommit, kinds }: Statement,
    effect: WriteEffect,
    defines: boolean,
  ): AnnouncedWrite | undefined {
    const open = this.#open.get(connection)
    const isUnordered = this.#inFlight.wrote(connection)
    if (this.dialect === 'mysql' && kinds.includes('SET')) this.#altered.add(connection)
    if (open !== undefined) {
      open.reads?.spoil()
      // PREPARE TRANSACTION ends it, even if it fails.
      open.isDoubtful ||= mayCommit || kinds.includes('PREPARE')
      open.defines ||= defines
      open.generation ??= this.host.catalogs.generations.current
      open.writes.add(open.defines ? EVERYTHING : effect)
      if (!open.isDoubtful && !open.mayHaveEnded && !isUnordered)
        return this.#collected(open, effect, defines)
    }
    // A commit here also commits earlier writes of the connection.
    const isOpen = open !== undefined || this.#altered.has(connection)
    return this.announce(isOpen && mayCommit ? EVERYTHING : effect, defines)
  }

  /**
   * Reports that a statement failed. MySQL rolls back the transaction after a deadlock and other errors,
   * which depend on the version, the storage engine and the settings. SQLite does so after an error of
   * `ON CONFLICT ROLLBACK`, `RAISE(ROLLBACK)` or the disk. A transaction of PostgreSQL rejects statements
   * after an error, as long as its connection exists.
   */
  failed(connection: object, error: unknown): void {
    const open = this.#open.get(connection)
    // Until its end, PostgreSQL rejects its reads.
    open?.reads?.spoil()
    open?.own?.partlyRolledBack()
    if (open !== undefined && (this.dialect !== 'postgresql' || this.outcomeOf(error) === 'unknown'))
      open.mayHaveEnded = true
  }

  /**
   * A write that takes effect at the commit of its transaction. If an earlier statement, whose answer was not
   * known when the write was sent, may have ended the transaction, it is announced after its own answer.
   */
  #collected(open: OpenTransaction, effect: WriteEffect, defines: boolean): AnnouncedWrite {
    return {
      ready: undefined,
      end: (outcome) => {
        if (!open.mayHaveEnded) return undefined
        const isCurrent = open.generation === this.host.catalogs.generations.current
        return endLate(this.announce(isCurrent ? effect : EVERYTHING, defines), outcome)
      },
    }
  }

  /**
   * Announces a write that takes effect without a later commit. If the schema changed before the write ended,
   * it may have modified more than its analysis shows: if a trigger was created while it waited for a lock,
   * for example. In that case, it counts as a write to everything.
   */
  announce(effect: WriteEffect, defines: boolean): AnnouncedWrite {
    const { writes, catalogs } = this.host
    const { generations } = catalogs
    const endDefinition = defines ? generations.beginDefinition() : undefined
    const era = defines ? undefined : generations.beginWrite()
    const { current } = generations
    const announced = writes.announce(effect)
    const write = new SingleWrite(writes, generations, effect, announced, current, era, endDefinition)
    // The write has ended if it may not be sent.
    announced.ready?.catch(() => write.over(true))
    return write
  }

  /** Sends BEGIN, COMMIT, ROLLBACK or a savepoint. */
  async control<T>(
    connection: object,
    control: TransactionControl,
    sent: SentControl<Promise<T>>,
  ): Promise<T> {
    const step = this.#begin(connection, control)
    const { announced, open } = step
    const inFlight = this.#inFlight.sent(connection)
    try {
      // The end of an unknown transaction cannot be refused: it may have ended already.
      if (announced?.ready !== undefined) await announced.ready.catch(() => {})
      const defined = step.commits ? this.#beforeCommit(open) : undefined
      const ready = step.commits ? open?.writes.beforeCommit() : undefined
      if (ready !== undefined) await this.#allowed(connection, ready, sent, defined)
      let answer: T
      try {
        answer = await sending(sent)
        defined?.(true)
      } catch (error) {
        defined?.(this.outcomeOf(error) !== 'unknown')
        await announced?.end(this.outcomeOf(error))
        await this.#failed(connection, control, step, error)
        addCallers(error)
        throw error
      }
      await announced?.end('committed')
      const isRolledBack = sent.isRolledBack?.(answer as Awaited<Promise<T>>) === true
      const announcing = this.#succeeded(connection, control, step, sent, isRolledBack)
      if (inFlight.isWritten) this.#doubt(connection)
      await announcing
      return answer
    } finally {
      inFlight.answered()
    }
  }

  /** A write that did not wait for an answer may be part of the transaction. */
  #doubt(connection: object): void {
    const open = this.#open.get(connection)
    if (open === undefined) return
    open.isDoubtful = true
    open.reads?.spoil()
    // Its statements may have been sent as if there were no transaction.
    this.soleWriter?.refute()
  }

  /** As {@link control}, for synchronous drivers. */
  controlSync<T>(connection: object, control: TransactionControl, sent: SentControl<T>): T {
    const step = this.#begin(connection, control)
    const { announced } = step
    const defined = step.commits ? this.#beforeCommit(step.open) : undefined
    if (step.commits) refuseToWait(step.open?.writes.beforeCommit())
    let answer: T
    try {
      answer = sending(sent)
      defined?.(true)
    } catch (error) {
      defined?.(this.outcomeOf(error) !== 'unknown')
      announced?.end(this.outcomeOf(error))
      this.#failed(connection, control, step, error)
      throw error
    }
    announced?.end('committed')
    const isRolledBack = sent.isRolledBack?.(answer as Awaited<T>) === true
    this.#succeeded(connection, control, step, sent, isRolledBack)
    return answer
  }

  /**
   * Called right before COMMIT.
   *
   * @returns The function that ends the schema change of the transaction, if it may have made one.
   */
  #beforeCommit(open: OpenTransaction | undefined): ((isOver: boolean) => void) | undefined {
    if (open === undefined) return undefined
    const { generations } = this.host.catalogs
    // Its writes were analyzed by a catalog that is out of date.
    if (open.generation !== undefined && open.generation !== generations.current) open.writes.add(EVERYTHING)
    return open.defines ? generations.beginDefinition() : undefined
  }

  #begin(connection: object, { kind }: TransactionControl): Step {
    const open = this.#open.get(connection)
    open?.reads?.spoil()
    // On SQLite, a savepoint outside of a transaction begins one, which is not followed.
    if (this.dialect === 'sqlite' && kind === 'savepoint' && open === undefined) this.soleWriter?.refute()
    // On MySQL, BEGIN commits an open transaction first. Elsewhere, BEGIN changes nothing inside a
    // transaction.
    const commits = kind === 'commit' || (kind === 'begin' && open !== undefined && this.dialect === 'mysql')
    // Without a known transaction, the statement may end an unknown one: after `SET autocommit = 0`, for
    // example.
    const isInFlight = this.#inFlight.has(connection)
    const mayEnd =
      kind === 'begin' ? this.#altered.has(connection) || (isInFlight && commits) : kind !== 'savepoint'
    // On SQLite, a savepoint outside of a transaction begins one, and its RELEASE commits it.
    const mayBeOutermost = open?.mayHaveEnded === true && kind === 'release' && this.dialect === 'sqlite'
    const endsUnknown = mayEnd && (open === undefined || open.isDoubtful || isInFlight || mayBeOutermost)
    return { open, commits, announced: endsUnknown ? this.announce(EVERYTHING, false) : undefined }
  }

  #succeeded(
    connection: object,
    control: TransactionControl,
    { open, commits }: Step,
    { isKnown }: Pick<SentControl<unknown>, 'isKnown'>,
    isRolledBack: boolean,
  ): Promise<void> | undefined {
    const { kind } = control
    let announcing: Promise<void> | undefined
    if (kind === 'savepoint') open?.writes.savepoint(control.name)
    else if (kind === 'release') open?.writes.release(control.name)
    else if (kind === 'rollback-to') {
      open?.writes.rollbackTo(control.name)
      open?.own?.partlyRolledBack()
    } else if (kind === 'rollback') announcing = this.#end(connection, 'rolled-back')
    else if (commits) announcing = this.#end(connection, isRolledBack ? 'rolled-back' : 'committed')
    const begins = kind === 'begin' || ((kind === 'commit' || kind === 'rollback') && control.chain === true)
    if (begins && !this.#open.has(connection))
      this.#begun(connection, isKnown !== true, isKnown === true ? this.#readsAfter(control) : undefined)
    return announcing
  }

  /** The reads of a transaction that a statement has begun. */
  #readsAfter(control: TransactionControl): TransactionReads | undefined {
    if (this.dialect !== 'postgresql' || control.kind !== 'begin' || control.isolation === 'other')
      return undefined
    if (!usesRule('transaction-reads')) return undefined
    return new TransactionReads(control.isolation === undefined ? this.readsCommitted : () => true)
  }

  #failed(
    connection: object,
    { kind }: TransactionControl,
    { commits }: Step,
    error: unknown,
  ): Promise<void> | undefined {
    if (kind === 'commit') return this.#end(connection, this.outcomeOf(error))
    // Whether a failed ROLLBACK, or the commit before a failed BEGIN, took effect is unknown.
    if (commits || kind === 'rollback') return this.#end(connection, 'unknown')
    this.failed(connection, error)
    return undefined
  }

  /**
   * Waits until COMMIT may be sent. If other processes cannot be notified of the writes, rolls back instead
   * and rejects.
   */
  async #allowed(
    connection: object,
    ready: Promise<void>,
    sent: Pick<SentControl<unknown>, 'rollBack'>,
    defined: ((isOver: boolean) => void) | undefined,
  ): Promise<void> {
    try {
      await ready
    } catch (error) {
      defined?.(true)
      let outcome: WriteOutcome = 'unknown'
      try {
        await sent.rollBack?.()
        outcome = 'rolled-back'
      } finally {
        await this.#end(connection, outcome)
      }
      throw error
    }
  }

  #end(connection: object, outcome: WriteOutcome): Promise<void> | undefined {
    const open = this.#open.get(connection)
    this.#open.delete(connection)
    this.host.trace.current?.ended(connection, outcome === 'rolled-back')
    for (const ended of open?.ended ?? []) ended(outcome)
    open?.own?.end(open.isDoubtful || open.mayHaveEnded ? 'unknown' : outcome)
    const announcing = open?.writes.end(outcome)
    if (open?.isOwned !== true) this.host.transactionEnded()
    return announcing
  }
}
