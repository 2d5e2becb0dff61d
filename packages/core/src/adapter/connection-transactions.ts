import { writeOutcomeOf } from '../pipeline/outcome.ts'
import type { AnnouncedWrite, TransactionWrites, WriteOutcome, WriteTracker } from '../pipeline/writes.ts'
import { EVERYTHING, type WriteEffect } from '../schema/catalog.ts'
import { SluiceError } from '../shared/errors.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { Statement, TransactionControl } from '../sql/statement.ts'
import type { SentControl } from './sent-statement.ts'

/** The services that {@link ConnectionTransactions} needs. */
export interface TransactionHost {
  readonly writes: WriteTracker
  /** A transaction of the current scope has ended. */
  transactionEnded(): void
}

interface OpenTransaction {
  readonly writes: TransactionWrites
  /**
   * Whether its writes may take effect before its end is seen: the ORM does not know of it, or a statement in it may have committed it.
   * They are announced when they are sent, and again at the end.
   */
  isDoubtful: boolean
  /** Whether the adapter notifies the scope of the end. */
  readonly isOwned: boolean
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
  /** Connections of MySQL with session settings: if `autocommit` is off, a transaction is open without BEGIN. */
  readonly #altered = new WeakSet<object>()

  constructor(
    private readonly host: TransactionHost,
    private readonly dialect: Dialect,
  ) {}

  isOpen(connection: object): boolean {
    return this.#open.has(connection)
  }

  /**
   * A transaction has begun by a call.
   *
   * @param writes - Collects its writes. The adapter that passes it also notifies the scope of the end.
   */
  begun(connection: object, writes?: TransactionWrites): void {
    this.#open.set(connection, { writes: writes ?? this.host.writes.transaction(), isDoubtful: false, isOwned: writes !== undefined })
  }

  /** Adds a write to the connection's transaction, or announces it if it may take effect before a commit is seen. */
  write(connection: object, { mayCommit, kinds }: Statement, effect: WriteEffect): AnnouncedWrite | undefined {
    const open = this.#open.get(connection)
    if (this.dialect === 'mysql' && kinds.includes('SET')) this.#altered.add(connection)
    if (open !== undefined) {
      open.isDoubtful ||= mayCommit
      open.writes.add(effect)
      if (!open.isDoubtful) return undefined
    }
    // A commit here also commits earlier writes of the connection.
    const isOpen = open !== undefined || this.#altered.has(connection)
    return this.host.writes.announce(isOpen && mayCommit ? EVERYTHING : effect)
  }

  /** Sends BEGIN, COMMIT, ROLLBACK or a savepoint. */
  async control<T>(connection: object, control: TransactionControl, sent: SentControl<Promise<T>>): Promise<T> {
    const step = this.#begin(connection, control)
    const { announced } = step
    // The end of an unknown transaction cannot be refused: it may have ended already.
    if (announced?.ready !== undefined) await announced.ready.catch(() => {})
    const ready = step.commits ? step.open?.writes.beforeCommit() : undefined
    if (ready !== undefined) await this.#allowed(connection, ready, sent.rollBack)
    let answer: T
    try {
      answer = await sent.send()
    } catch (error) {
      await announced?.end(writeOutcomeOf(error))
      await this.#failed(connection, control, step, error)
      throw error
    }
    await announced?.end('committed')
    await this.#succeeded(connection, control, step, sent, sent.isRolledBack?.(answer as Awaited<Promise<T>>) === true)
    return answer
  }

  /** As {@link control}, for synchronous drivers. */
  controlSync<T>(connection: object, control: TransactionControl, sent: SentControl<T>): T {
    const step = this.#begin(connection, control)
    const { announced } = step
    if (step.commits) refuseToWait(step.open?.writes.beforeCommit())
    let answer: T
    try {
      answer = sent.send()
    } catch (error) {
      announced?.end(writeOutcomeOf(error))
      this.#failed(connection, control, step, error)
      throw error
    }
    announced?.end('committed')
    this.#succeeded(connection, control, step, sent, sent.isRolledBack?.(answer as Awaited<T>) === true)
    return answer
  }

  #begin(connection: object, { kind }: TransactionControl): Step {
    const open = this.#open.get(connection)
    // MySQL commits before it begins anew; elsewhere, BEGIN changes nothing inside a transaction.
    const commits = kind === 'commit' || (kind === 'begin' && open !== undefined && this.dialect === 'mysql')
    // Without a known transaction, the statement may end an unknown one: after `SET autocommit = 0`, for example.
    const mayEnd = kind === 'begin' ? this.#altered.has(connection) : kind !== 'savepoint'
    const endsUnknown = mayEnd && (open === undefined || open.isDoubtful)
    return { open, commits, announced: endsUnknown ? this.host.writes.announce(EVERYTHING) : undefined }
  }

  #succeeded(
    connection: object,
    control: TransactionControl,
    { open, commits }: Step,
    { isKnown }: Pick<SentControl<unknown>, 'isKnown'>,
    isRolledBack: boolean,
  ): Promise<void> | undefined {
    const { kind } = control
    let told: Promise<void> | undefined
    if (kind === 'savepoint') open?.writes.savepoint(control.name)
    else if (kind === 'release') open?.writes.release(control.name)
    else if (kind === 'rollback-to') open?.writes.rollbackTo(control.name)
    else if (kind === 'rollback') told = this.#end(connection, 'rolled-back')
    else if (commits) told = this.#end(connection, isRolledBack ? 'rolled-back' : 'committed')
    const begins = kind === 'begin' || ((kind === 'commit' || kind === 'rollback') && control.chain === true)
    if (begins && !this.#open.has(connection))
      this.#open.set(connection, { writes: this.host.writes.transaction(), isDoubtful: isKnown !== true, isOwned: false })
    return told
  }

  #failed(connection: object, { kind }: TransactionControl, { commits }: Step, error: unknown): Promise<void> | undefined {
    if (kind === 'commit') return this.#end(connection, writeOutcomeOf(error))
    // Whether a failed ROLLBACK, or the commit before a failed BEGIN, took effect is unknown.
    return commits || kind === 'rollback' ? this.#end(connection, 'unknown') : undefined
  }

  /** Waits until COMMIT may be sent. If other processes cannot be notified of the writes, rolls back instead and rejects. */
  async #allowed(connection: object, ready: Promise<void>, rollBack: (() => Promise<unknown>) | undefined): Promise<void> {
    try {
      await ready
    } catch (error) {
      let outcome: WriteOutcome = 'unknown'
      try {
        await rollBack?.()
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
    const told = open?.writes.end(outcome)
    if (open?.isOwned !== true) this.host.transactionEnded()
    return told
  }
}

/** A synchronous driver cannot wait until other processes know of a write: it must not be sent. */
export function refuseToWait(ready: Promise<void> | undefined): void {
  if (ready === undefined) return
  ready.catch(() => {})
  throw new SluiceError(
    'SLUICE_ADAPTER_REQUIRED',
    'A synchronous driver cannot notify other processes before it writes. Expected a Sluice without `cache.store`, or an asynchronous driver.',
  )
}
