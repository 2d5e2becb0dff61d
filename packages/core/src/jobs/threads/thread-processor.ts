import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { InvalidArgumentError, SluiceError } from '../../shared/errors.ts'
import { loadPackage } from '../../shared/late-modules.ts'
import { checkOptions, option } from '../../shared/options.ts'
import { factsOf } from '../../shared/thrown.ts'
import { setLongTimeout } from '../../shared/timers.ts'
import { TaskAbortedError, TaskTimeoutError, UnretryableError } from '../job-errors.ts'
import type { Processor, TaskContext } from '../processor.ts'
import {
  type runInThread,
  type StopMessage,
  THREAD_FILE,
  type ThreadMessage,
  type ThreadTask,
} from './thread-run.ts'

/** @throws MissingPackageError. */
async function loadPiscina(): Promise<typeof Piscina> {
  return (await loadPackage('threadProcessor', 'piscina', () => import('piscina'))).Piscina
}

const IDLE_MS = 30_000
const ENTRY: keyof { runInThread: typeof runInThread } = 'runInThread'

export interface ThreadProcessorOptions {
  /**
   * Maximum number of threads, each with one task at a time. A queue runs as many tasks concurrently, unless
   * you set `concurrency`. From `1` to `1024`.
   * @defaultValue number of processors minus 1, at least 1
   */
  readonly maxThreads?: number
  /**
   * Milliseconds that a processor has to stop after its signal is aborted. After that, its thread is
   * terminated. Minimum: `0`.
   * @defaultValue 1000
   */
  readonly graceMs?: number
  /**
   * Memory limit of a thread in megabytes. A thread that exceeds it is terminated, and its task has failed.
   * Minimum: `16`.
   * @defaultValue no limit
   */
  readonly maxMemoryMb?: number
  /**
   * Arguments of Node for the threads: `['--import', 'tsx']` for a module in TypeScript.
   * @defaultValue the arguments of the process
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
 * Creates a processor that runs in separate threads, with piscina: for CPU-intensive work, which would block
 * the event loop. If a task neither ends nor obeys its signal, its thread is terminated, even in an endless
 * loop.
 *
 * The scope of the process does not apply in threads: its Sluice does not see their queries.
 *
 * @param module - URL of a file whose default export is the processor, with the same arguments as any
 * processor.
 * @throws InvalidArgumentError, InvalidOptionError; MissingPackageError without `piscina`.
 * @example
 * ```ts
 * import { threadProcessor } from '@sluice/core/jobs-threads'
 *
 * jobs.registerProcessor('resize', await threadProcessor(new URL('./resize.js', import.meta.url)))
 * ```
 */
export async function threadProcessor(
  module: URL,
  options: ThreadProcessorOptions = {},
): Promise<ThreadProcessor> {
  await checkModule(module)
  checkOptions(options, {
    maxThreads: option.integer(1, 1_024),
    graceMs: option.number(0),
    maxMemoryMb: option.integer(16),
    execArgv: option.strings,
  })
  const {
    maxThreads = Math.max(1, availableParallelism() - 1),
    graceMs = 1_000,
    maxMemoryMb,
    execArgv,
  } = options
  const Pool = await loadPiscina()
  const pool = new Pool({
    filename: THREAD_FILE,
    name: ENTRY,
    minThreads: 0,
    maxThreads,
    idleTimeout: IDLE_MS,
    concurrentTasksPerWorker: 1,
    ...(maxMemoryMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxMemoryMb } }),
    ...(execArgv === undefined ? {} : { execArgv: [...execArgv] }),
  })
  // Each caller that waits for a task receives its error.
  pool.on('error', () => {})
  let isClosed = false
  const process: Processor = async (data, context) => {
    // The pool would start threads again.
    if (isClosed) throw new SluiceError('SLUICE_CLOSED', 'The thread processor is closed. Create a new one.')
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
  const expected = 'the URL of an existing file, such as new URL("./resize.js", import.meta.url)'
  if (!(module instanceof URL) || module.protocol !== 'file:')
    throw new InvalidArgumentError('module', expected, module)
  const isFile = await stat(fileURLToPath(module)).then(
    (found) => found.isFile(),
    () => false,
  )
  if (!isFile) throw new InvalidArgumentError('module', expected, module.href)
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
      this.#timer = setLongTimeout(() => this.#ending.abort(), this.graceMs)
    }
    const answered = new Promise((resolve, reject) => {
      port.on('message', (message: ThreadMessage) => this.#received(message, resolve, reject))
    })
    // The run can end before anything awaits it.
    answered.catch(() => {})
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    try {
      const task: ThreadTask = { module, data, port: port2, taskId, queue, attempt, batchId, runAs }
      await this.pool.run(task, { signal: this.#ending.signal, transferList: [port2] })
      // The thread's messages arrive on a different port, and can arrive later.
      return await answered
    } catch (error) {
      throw this.#ending.signal.aborted ? signal.reason : error
    } finally {
      clearTimeout(this.#timer)
      signal.removeEventListener('abort', stop)
      port.close()
    }
  }

  #received(
    message: ThreadMessage,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ): void {
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
  const { message, stack } = factsOf(error)
  const copy = new UnretryableError(message)
  if (stack !== undefined) copy.stack = stack
  return copy
}
