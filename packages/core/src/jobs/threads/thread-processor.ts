import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { InvalidArgumentError, SluiceError } from '../../shared/errors.ts'
import { loadPackage } from '../../shared/load-package.ts'
import { checkOptions, option } from '../../shared/options.ts'
import { TaskAbortedError, TaskTimeoutError, UnretryableError } from '../job-errors.ts'
import type { Processor, TaskContext } from '../processor.ts'
import { type runInThread, type StopMessage, THREAD_FILE, type ThreadMessage, type ThreadTask } from './thread-run.ts'

/** @throws MissingPackageError. */
async function loadPiscina(): Promise<typeof Piscina> {
  return (await loadPackage('threadProcessor', 'piscina', () => import('piscina'))).Piscina
}

const IDLE_MS = 30_000
const ENTRY: keyof { runInThread: typeof runInThread } = 'runInThread'

export interface ThreadProcessorOptions {
  /**
   * Threads at the most, each with one task at a time; that many tasks of a queue are run at once, unless its `concurrency` says otherwise. From `1` to `1024`.
   * @defaultValue one fewer than there are processors, and at least 1
   */
  readonly maxThreads?: number
  /**
   * Milliseconds that a processor has to stop when its signal was aborted; then its thread is ended, whatever it does. Minimum: `0`.
   * @defaultValue 1000
   */
  readonly graceMs?: number
  /**
   * Megabytes that a thread may keep; one that needs more is ended, and its task has failed. Minimum: `16`.
   * @defaultValue no limit of its own
   */
  readonly maxMemoryMb?: number
  /**
   * Arguments of Node for the threads: `['--import', 'tsx']` for a module in TypeScript.
   * @defaultValue those of the process
   */
  readonly execArgv?: readonly string[]
}

/** A processor that has threads. */
export interface ThreadProcessor extends Processor {
  readonly concurrency: number
  /** Ends the threads. An engine that it is registered with does that when it is closed. */
  close(): Promise<void>
}

/**
 * A processor that runs in threads of its own, through piscina: for what computes for long, and would keep everything else waiting. A task that neither ends nor heeds
 * its signal has its thread ended, also in an endless loop.
 *
 * Its scope is not that of the process: queries in a thread are not seen by the Sluice of the process.
 *
 * @param module - The URL of a file whose default export is the processor, with the same arguments as any.
 * @throws InvalidArgumentError, InvalidOptionError; MissingPackageError without `piscina`.
 * @example
 * ```ts
 * import { threadProcessor } from '@sluice/core/jobs-threads'
 *
 * jobs.registerProcessor('resize', await threadProcessor(new URL('./resize.js', import.meta.url)))
 * ```
 */
export async function threadProcessor(module: URL, options: ThreadProcessorOptions = {}): Promise<ThreadProcessor> {
  await checkModule(module)
  checkOptions(options, {
    maxThreads: option.integer(1, 1_024),
    graceMs: option.number(0),
    maxMemoryMb: option.integer(16),
    execArgv: option.strings,
  })
  const { maxThreads = Math.max(1, availableParallelism() - 1), graceMs = 1_000, maxMemoryMb, execArgv } = options
  const Pool = await loadPiscina()
  const pool = new Pool({
    ...{ filename: THREAD_FILE, name: ENTRY, minThreads: 0, maxThreads, idleTimeout: IDLE_MS, concurrentTasksPerWorker: 1 },
    ...(maxMemoryMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb } }),
    ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
  })
  // Those who wait for a task are told what became of it.
  pool.on('error', () => {})
  let isClosed = false
  const process: Processor = async (data, context) => {
    // The pool would start threads again.
    if (isClosed) throw new SluiceError('SLUICE_CLOSED', 'The threads of this processor were ended.')
    return await new ThreadCall(pool, context, graceMs).run(module.href, data)
  }
  return Object.assign(process, {
    concurrency: maxThreads,
    close: async () => {
      isClosed = true
      await pool.destroy()
    },
  })
}

async function checkModule(module: unknown): Promise<void> {
  const expected = 'the URL of a file, such as new URL("./resize.js", import.meta.url)'
  if (!(module instanceof URL) || module.protocol !== 'file:') throw new InvalidArgumentError('module', expected, module)
  const isFile = await stat(fileURLToPath(module)).then(
    (found) => found.isFile(),
    () => false,
  )
  if (!isFile) throw new InvalidArgumentError('module', `${expected}; there is no such file`, module.href)
}

/** One task that is run by a thread. */
class ThreadCall {
  readonly #ending = new AbortController()
  readonly #channel = new MessageChannel()
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly pool: Piscina,
    private readonly context: TaskContext,
    private readonly graceMs: number,
  ) {}

  async run(module: string, data: unknown): Promise<unknown> {
    const { port1: port, port2 } = this.#channel
    const { signal, taskId, queue, attempt, batchId, runAs } = this.context
    const stop = () => {
      port.postMessage(stopMessage(signal.reason))
      this.#timer = setTimeout(() => this.#ending.abort(), this.graceMs)
    }
    const answered = new Promise((resolve, reject) => {
      port.on('message', (message: ThreadMessage) => this.#told(message, resolve, reject))
    })
    // It may be over before anybody waits for it.
    answered.catch(() => {})
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    try {
      const task: ThreadTask = { module, data, port: port2, taskId, queue, attempt, batchId, runAs }
      await this.pool.run(task, { signal: this.#ending.signal, transferList: [port2] })
      // What it told comes by another way, and perhaps later.
      return await answered
    } catch (error) {
      throw this.#ending.signal.aborted ? signal.reason : error
    } finally {
      clearTimeout(this.#timer)
      signal.removeEventListener('abort', stop)
      port.close()
    }
  }

  #told(message: ThreadMessage, resolve: (value: unknown) => void, reject: (error: unknown) => void): void {
    switch (message.kind) {
      case 'progress':
        this.context.progress(message.percent)
        break
      case 'log':
        this.context.log(message.message)
        break
      case 'failItem':
        this.context.failItem(message.index, message.error)
        break
      case 'returned':
        resolve(message.value)
        break
      case 'failed':
        reject(message.unretryable ? unretryable(message.error) : message.error)
        break
    }
  }
}

function stopMessage(reason: unknown): StopMessage {
  if (reason instanceof TaskTimeoutError) return { why: 'timeout', timeoutMs: reason.timeoutMs }
  return { why: reason instanceof TaskAbortedError ? reason.why : 'shutdown', timeoutMs: 0 }
}

function unretryable(error: unknown): UnretryableError {
  const made = new UnretryableError(error instanceof Error ? error.message : String(error))
  if (error instanceof Error && error.stack !== undefined) made.stack = error.stack
  return made
}
