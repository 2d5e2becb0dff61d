import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import type { Edit } from '../differential/mutations/mutation.ts'
import { onPostgres, startPostgres } from '../services/postgres.ts'
import { databaseOf, type TestService } from '../services/service.ts'
import { FaultInjector } from './fault-injector.ts'
import type { FaultKind } from './fault-plan.ts'
import { MemcachedServer } from './memcached-server.ts'
import type { FromWorker, Question, WorkerPlan } from './messages.ts'
import { Oracle, type Turn } from './oracle.ts'
import type { OrmSet } from './orms.ts'
import { ProcessGuard } from './process-guard.ts'
import { RedisServer } from './redis-server.ts'
import { SEED_SQL } from './rows.ts'
import type { StoreName, StoreServer } from './store-server.ts'
import type { SubjectMode } from './subject.ts'
import { type CheckReport, Tally } from './tally.ts'
import { WorkerHandle } from './worker-handle.ts'

export interface CheckOptions {
  readonly mode: SubjectMode
  /** @defaultValue 'redis' */
  readonly store?: StoreName
  /** @defaultValue 'two' */
  readonly orms?: OrmSet
  readonly faults: readonly FaultKind[]
  readonly seed: number
  /** Number of reads to judge, over all rounds. */
  readonly reads: number
  /** Whether to stop after the first violation. */
  readonly untilViolated?: boolean
  readonly rounds?: number
  readonly workers?: number
  /** Concurrent reads and writes in each worker. */
  readonly concurrency?: number
  readonly writeShare?: number
  readonly leaseMs?: number
  /** How long processes rest before results are compared: leases and a quarantine must have expired. */
  readonly restMs?: number
  readonly maxStalenessMs?: number
  /** Multiplier of the usual fault rate. */
  readonly pace?: number
  /** Edits of the sources in the workers. */
  readonly edits?: readonly Edit[]
  /** Called periodically. */
  readonly onProgress?: (report: CheckReport) => void
}

const STALL_MS = 60_000
/** The guard ends processes that are still running then. */
const QUIT_MS = 5_000
const REST_TIMEOUT_MS = 60_000
/** A write of unknown outcome has finished by then. */
const UNSETTLED_MS = 1_500
/** Slightly longer than a quarantine. */
const QUARANTINE_MS = 4_000

/** Whether a subject violated the guarantees of its mode. */
export function isViolated(mode: SubjectMode, report: CheckReport): boolean {
  if (mode === 'bounded') return report.staleBeyondMax > 0 || report.violationsC > 0
  return report.violationsA > 0 || report.violationsB > 0 || report.violationsC > 0
}

/**
 * Runs workers against one PostgreSQL and one server of a cache, injects faults, and judges the reads. Ends
 * everything that it starts.
 *
 * @throws Error if there is no progress for a minute, or a server cannot be started.
 */
export async function runCheck(options: CheckOptions): Promise<CheckReport> {
  const guard = await ProcessGuard.start()
  let postgres: TestService | undefined
  try {
    postgres = await startPostgres()
    const Server = options.store === 'memcached' ? MemcachedServer : RedisServer
    const check = new Check(options, guard, postgres.url, await Server.start(guard))
    await check.run()
    return check.report()
  } finally {
    await guard.close()
    await postgres?.stop()
  }
}

class Check {
  readonly #options: Required<Omit<CheckOptions, 'onProgress'>> & Pick<CheckOptions, 'onProgress'>
  readonly #guard: ProcessGuard
  readonly #databaseUrl: string
  readonly #server: StoreServer
  readonly #oracle = new Oracle(() => performance.now())
  readonly #injector: FaultInjector
  readonly #workers: WorkerHandle[] = []
  readonly #tally: Tally
  #started = 0
  #isRunning = false
  #lastMove = 0

  constructor(options: CheckOptions, guard: ProcessGuard, databaseUrl: string, server: StoreServer) {
    const leaseMs = options.leaseMs ?? 5_000
    const { faults, mode } = options
    const rests = mode === 'strict' || mode === 'bounded' ? leaseMs + QUARANTINE_MS : 0
    this.#options = {
      store: 'redis',
      orms: 'two',
      rounds: 1,
      untilViolated: false,
      edits: [],
      workers: 3,
      concurrency: 12,
      writeShare: 0.08,
      maxStalenessMs: 1_000,
      pace: 1,
      restMs: faults.length > 0 ? rests : mode === 'bounded' ? 500 : 100,
      ...options,
      leaseMs,
    }
    this.#tally = new Tally(this.#options.maxStalenessMs)
    this.#guard = guard
    this.#databaseUrl = databaseUrl
    this.#server = server
    this.#injector = new FaultInjector(
      {
        server,
        define: async (sql) => void (await onPostgres(databaseUrl, sql)),
        workers: () => this.#workers.filter(({ isGone }) => !isGone),
      },
      faults,
      options.seed,
      this.#options.pace,
    )
  }

  async run(): Promise<void> {
    const { rounds, reads, restMs, workers } = this.#options
    await this.#createTables()
    await Promise.all(Array.from({ length: workers }, (_, index) => this.#startWorker(index)))
    for (let round = 1; round <= rounds; round += 1) {
      this.#isRunning = true
      for (const worker of this.#workers) worker.send({ type: 'run' })
      this.#injector.start()
      await this.#untilReads(Math.ceil((reads * round) / rounds))
      await this.#injector.stop()
      this.#isRunning = false
      if (this.#isOver) break
      await this.#rest()
      await after(restMs)
      await this.#sweep()
      if (this.#isOver) break
    }
    for (const worker of this.#workers) worker.send({ type: 'quit' })
    await Promise.race([
      Promise.all(this.#workers.map(({ gone }) => gone)),
      after(QUIT_MS, undefined, { ref: false }),
    ])
  }

  report(): CheckReport {
    return this.#tally.report(this.#injector.counts)
  }

  get #isOver(): boolean {
    const { mode, untilViolated } = this.#options
    return untilViolated && isViolated(mode, this.report())
  }

  async #createTables(): Promise<void> {
    const ddl = readFileSync(
      join(import.meta.dirname, '../generated/consistency-postgresql/schema.sql'),
      'utf8',
    )
    // New statistics change plans, and with them the order of rows without ORDER BY: a result cached before
    // has a different order from one read afterwards, and both are right.
    const still = ['groups', 'items'].map((table) => `ALTER TABLE ${table} SET (autovacuum_enabled = false)`)
    await onPostgres(this.#databaseUrl, `${ddl}; ${still.join('; ')}; ${SEED_SQL}`)
    const fenceMs = Math.floor(this.#options.leaseMs / 2)
    const settings = {
      deadlock_timeout: 100,
      statement_timeout: fenceMs,
      idle_in_transaction_session_timeout: fenceMs,
    }
    for (const [name, ms] of Object.entries(settings)) {
      await onPostgres(
        this.#databaseUrl,
        `ALTER DATABASE ${databaseOf(this.#databaseUrl)} SET ${name} = ${ms}`,
      )
    }
  }

  async #startWorker(index: number): Promise<void> {
    const { mode, orms, store, seed, concurrency, writeShare, leaseMs, maxStalenessMs } = this.#options
    this.#started += 1
    const number = this.#started
    const plan: WorkerPlan = {
      index: number,
      seed: seed * 1_000 + number,
      mode,
      orms,
      databaseUrl: this.#databaseUrl,
      store,
      storePort: this.#server.port,
      concurrency,
      writeShare,
      leaseMs,
      maxStalenessMs,
    }
    const worker = new WorkerHandle(plan, this.#options.edits, this.#guard, (message) =>
      this.#receive(worker, message),
    )
    this.#workers[index] = worker
    worker.gone.then(() => this.#replace(index, plan.seed))
    await worker.next('ready')
  }

  /** @param seed - Identifies the worker that was killed: the one that replaces it has the same index. */
  async #replace(index: number, seed: number): Promise<void> {
    this.#releaseLater(this.#oracle.locksOf(seed))
    if (!this.#isRunning) return
    try {
      await this.#startWorker(index)
      if (this.#isRunning) this.#workers[index]?.send({ type: 'run' })
    } catch {
      // It was ended with all others.
    }
  }

  async #untilReads(reads: number): Promise<void> {
    this.#lastMove = performance.now()
    while (this.#tally.reads < reads && !this.#isOver) {
      if (performance.now() - this.#lastMove > STALL_MS)
        throw new Error(`No read for ${STALL_MS / 1000} s. ${JSON.stringify(this.report())}`)
      await after(100)
      this.#options.onProgress?.(this.report())
    }
  }

  /**
   * Waits until all workers are idle, including those that just start and those that died of a pending fault.
   */
  async #rest(): Promise<void> {
    const deadline = performance.now() + REST_TIMEOUT_MS
    for (let index = 0; index < this.#workers.length; index += 1) {
      for (;;) {
        if (performance.now() > deadline) throw new Error(`Worker ${index} does not come to rest.`)
        const worker = this.#workers[index] as WorkerHandle
        if (worker.isGone) {
          await this.#startWorker(index)
          continue
        }
        const idle = worker.next('idle')
        worker.signal('SIGCONT')
        worker.send({ type: 'rest' })
        const again = after(1_000, 'again' as const, { ref: false })
        if ((await Promise.race([idle, again]).catch(() => 'again')) !== 'again') break
      }
    }
  }

  async #sweep(): Promise<void> {
    await Promise.all(
      this.#workers.map(async (worker) => {
        const swept = worker.next('swept')
        worker.send({ type: 'sweep' })
        const { compared, differences } = await swept
        this.#tally.compared += compared
        for (const difference of differences) this.#tally.differs(difference)
      }),
    )
  }

  #receive(worker: WorkerHandle, message: FromWorker): void {
    switch (message.type) {
      case 'question':
        this.#answer(worker, message.number, message.question)
        break
      case 'read':
        this.#lastMove = performance.now()
        this.#tally.reads += 1
        this.#tally.hit(worker.plan.seed, message)
        for (const violation of this.#oracle.judge(message.read)) this.#tally.violated(violation)
        break
      case 'acknowledged':
        this.#tally.writes += 1
        this.#oracle.acknowledge(message.versions)
        break
      case 'raised':
        this.#tally.writes += 1
        this.#oracle.acknowledgeRaise(message.rows, message.turn)
        break
      case 'released':
        if (message.isCertain) this.#oracle.release(message.lock)
        else this.#releaseLater([message.lock])
        break
      case 'failed':
        this.#tally.failed(message)
        break
    }
  }

  #answer(worker: WorkerHandle, number: number, question: Question): void {
    const answer = (value: number | Turn) => worker.send({ type: 'answer', number, answer: value })
    if (question.ask === 'turn') answer(this.#oracle.turn())
    else if (question.ask === 'attempt') answer(this.#oracle.attempt(question.row, question.isAbsence))
    else this.#oracle.lock(worker.plan.seed, question.rows, answer)
  }

  /** After writes of unknown outcome, which the server may still execute for a while. */
  #releaseLater(locks: readonly number[]): void {
    after(UNSETTLED_MS, undefined, { ref: false }).then(() => {
      for (const lock of locks) this.#oracle.release(lock)
    })
  }
}
