import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { OwnProcesses } from './own-processes.ts'

export interface NodePlan {
  readonly name: string
  readonly port: number
  readonly primaryUrl: string
  readonly replicaUrl: string
  readonly maxLagMs: number
}

/** Reads since the process began, by where they went. */
export interface ReadCounts {
  readonly onReplica: number
  readonly onPrimary: number
}

/** Messages of a node's process. */
export type NodeMessage = 'ready' | ReadCounts

const START_TIMEOUT_MS = 60_000
const CLOSE_TIMEOUT_MS = 3_000
const KEPT_OUTPUT = 2_000

export interface AppNodeParts {
  readonly own: OwnProcesses
  readonly plan: NodePlan
  /** What Node is started with. */
  readonly execArgv: readonly string[]
  /** Called with the reads since the last call. */
  readonly onReads: (reads: ReadCounts) => void
}

/** One node of the app, and the control of its process. */
export class AppNode {
  readonly name: string
  readonly port: number
  /** Time of its last known read on the replica. */
  onReplicaAt: number = Number.NEGATIVE_INFINITY
  #process: ChildProcess | undefined

  constructor(private readonly parts: AppNodeParts) {
    this.name = parts.plan.name
    this.port = parts.plan.port
  }

  /** Its id in the balancer. */
  get id(): string {
    return `127.0.0.1:${this.port}`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /**
   * Resolves when it serves.
   *
   * @throws Error with the end of its output if it exits before.
   */
  async start(): Promise<void> {
    const { own, plan, execArgv } = this.parts
    const child = own.fork(join(import.meta.dirname, 'node-process.ts'), [JSON.stringify(plan)], {
      execArgv: [...execArgv],
      silent: true,
    })
    this.#process = child
    let output = ''
    const listen = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT)
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    let known: ReadCounts = { onReplica: 0, onPrimary: 0 }
    await new Promise<void>((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(`${this.name} ${reason}\n${output}`.trim()))
      const timer = setTimeout(
        () => fail(`did not serve within ${START_TIMEOUT_MS / 1_000} s.`),
        START_TIMEOUT_MS,
      )
      child.on('message', (message: NodeMessage) => {
        if (message === 'ready') {
          clearTimeout(timer)
          resolve()
          return
        }
        this.#count(known, message)
        known = message
      })
      child.once('close', (code) => {
        clearTimeout(timer)
        fail(`exited with code ${code}.`)
      })
    })
  }

  /** Ends it without warning. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Suspends it: it accepts connections, but does not respond. */
  hang(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Lets it close its clients. */
  async close(): Promise<void> {
    const child = this.#process
    if (child?.connected === true) child.disconnect()
    const timer = setTimeout(() => child?.kill('SIGKILL'), CLOSE_TIMEOUT_MS)
    await this.#end(undefined)
    clearTimeout(timer)
  }

  async #end(signal: NodeJS.Signals | undefined): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    if (signal !== undefined) child.kill(signal)
    await ended
  }

  #count(known: ReadCounts, now: ReadCounts): void {
    const reads = { onReplica: now.onReplica - known.onReplica, onPrimary: now.onPrimary - known.onPrimary }
    if (reads.onReplica > 0) this.onReplicaAt = performance.now()
    if (reads.onReplica + reads.onPrimary > 0) this.parts.onReads(reads)
  }
}
