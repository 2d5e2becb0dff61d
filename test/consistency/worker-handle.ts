import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { type Edit, pathOf } from '../differential/mutations/mutation.ts'
import { FLAGS, SOURCE_FLAGS } from '../support/typescript-process.ts'
import type { FromWorker, ToWorker, WorkerPlan } from './messages.ts'
import type { ProcessGuard } from './process-guard.ts'

const root = join(import.meta.dirname, '../..')

/** A worker's process, as seen from the process that started it. */
export class WorkerHandle {
  readonly plan: WorkerPlan
  readonly gone: Promise<void>
  readonly #child: ChildProcess
  readonly #waiting = new Map<
    FromWorker['type'],
    { resolve(message: FromWorker): void; reject(reason: Error): void }
  >()
  #outbox: ToWorker[] = []
  #isGone = false

  /** @param edits - Edits of the sources in the worker. */
  constructor(
    plan: WorkerPlan,
    edits: readonly Edit[],
    guard: ProcessGuard,
    receive: (message: FromWorker) => void,
  ) {
    this.plan = plan
    const patches = edits.map((edit) => ({ path: pathOf(edit), find: edit.find, replace: edit.replace }))
    const execArgv =
      edits.length === 0
        ? [...FLAGS]
        : ['--import', join(root, 'test/differential/mutations/register.mjs'), ...SOURCE_FLAGS]
    this.#child = fork(join(import.meta.dirname, 'worker.ts'), [JSON.stringify(plan)], {
      cwd: root,
      execArgv,
      env: { ...process.env, SLUICE_MUTATION: JSON.stringify(patches) },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    guard.watch(this.#child)
    this.#child.on('error', () => {})
    this.#child.on('message', (messages: readonly FromWorker[]) => {
      for (const message of messages) {
        receive(message)
        this.#waiting.get(message.type)?.resolve(message)
        this.#waiting.delete(message.type)
      }
    })
    this.gone = new Promise((resolve) => {
      this.#child.once('exit', () => {
        this.#isGone = true
        for (const { reject } of this.#waiting.values()) reject(new Error(`Worker ${plan.index} ended.`))
        resolve()
      })
    })
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** Messages are sent together at the end of an event-loop tick. */
  send(message: ToWorker): void {
    if (this.#outbox.push(message) > 1) return
    setImmediate(() => {
      const messages = this.#outbox
      this.#outbox = []
      if (this.#child.connected) this.#child.send(messages, () => {})
    })
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
    if (!this.#isGone) this.#child.kill(signal)
  }

  /** The next message of a type. Rejects if the process ends before. */
  next<TType extends FromWorker['type']>(type: TType): Promise<Extract<FromWorker, { type: TType }>> {
    if (this.#isGone) return Promise.reject(new Error(`Worker ${this.plan.index} ended.`))
    return new Promise((resolve, reject) => {
      this.#waiting.set(type, { resolve: resolve as (message: FromWorker) => void, reject })
    })
  }
}
