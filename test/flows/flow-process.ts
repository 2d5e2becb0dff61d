import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { FLAGS } from '../support/typescript-process.ts'

const root = join(import.meta.dirname, '../..')

type Answer =
  | { readonly id: number; readonly value?: unknown; readonly error?: string }
  | { readonly ready: unknown }

/** A process of the app in a flow. It receives commands over IPC, and replies to each. */
export class FlowProcess<TReady> {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>()
  readonly #gone: Promise<void>
  readonly #ready: Promise<TReady>
  #lastId = 0

  private constructor(file: string, plan: object) {
    this.#child = fork(join(import.meta.dirname, file), [JSON.stringify(plan)], {
      cwd: root,
      execArgv: [...FLAGS],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#ready = new Promise((resolve, reject) => {
      this.#child.on('message', (answer: Answer) =>
        'ready' in answer ? resolve(answer.ready as TReady) : this.#take(answer),
      )
      this.#child.once('exit', (code, signal) =>
        reject(new Error(`${file} ended by ${signal ?? code} before it was ready.`)),
      )
    })
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`${file} ended.`))
        this.#waiting.clear()
        resolve()
      })
    })
  }

  /** Resolves once the process is ready, with its first message. */
  static async start<TReady>(
    file: string,
    plan: object,
  ): Promise<{ readonly process: FlowProcess<TReady>; readonly ready: TReady }> {
    const process = new FlowProcess<TReady>(file, plan)
    return { process, ready: await process.#ready }
  }

  /** Runs a command in the process, and resolves to its result. */
  ask<T>(what: string, ...args: readonly unknown[]): Promise<T> {
    this.#lastId += 1
    const id = this.#lastId
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, what, args }, (error) => error && reject(error))
    })
  }

  /** Kills it like `kill -9`. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#gone
  }

  /** Disconnects, and waits for it to exit. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await this.#gone
  }

  #take({
    id,
    value,
    error,
  }: {
    readonly id: number
    readonly value?: unknown
    readonly error?: string
  }): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value as never)
    else waiting?.reject(new Error(error))
  }
}
