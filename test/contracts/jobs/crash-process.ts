import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JobsOptions } from '@sluice/core'
import { FLAGS } from '../../support/typescript-process.ts'
import type { CrashWorld } from './crash-world.ts'

const main = fileURLToPath(new URL('crash-worker.main.ts', import.meta.url))

/** The task of a process. */
export interface CrashOrder {
  readonly child: CrashWorld['child']
  readonly queue: string
  /** The ledger in which it records its events. */
  readonly ledger: string
  /**
   * - `tasks`, `batch`: take some time
   * - `busy`: blocks the event loop of the process
   * - `poison`: the task with this data kills the process
   */
  readonly kind: 'tasks' | 'batch' | 'busy' | 'poison'
  readonly workMs: number
  readonly concurrency: number
  readonly options: JobsOptions
}

/** A recorded event, which survives the process. */
export interface LedgerLine {
  readonly event: 'start' | 'end' | 'completed' | 'dead' | 'batch' | 'error'
  readonly key: string
  readonly pid: number
  readonly at: number
  /** The attempt, for a start or an end. */
  readonly text: string
}

export class Ledger {
  private constructor(
    private readonly folder: string,
    readonly file: string,
  ) {}

  static async create(): Promise<Ledger> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-crash-'))
    const file = join(folder, 'ledger')
    writeFileSync(file, '')
    return new Ledger(folder, file)
  }

  lines(event?: LedgerLine['event'], pid?: number): readonly LedgerLine[] {
    const text = readFileSync(this.file, 'utf8')
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [name = '', key = '', by = '', at = '', rest = ''] = line.split('\t')
        return { event: name as LedgerLine['event'], key, pid: Number(by), at: Number(at), text: rest }
      })
      .filter(
        (line) => (event === undefined || line.event === event) && (pid === undefined || line.pid === pid),
      )
  }

  /** Tasks that a process started and did not end. */
  open(pid: number): readonly string[] {
    const open = new Set(this.lines('start', pid).map(({ key }) => key))
    for (const { key } of this.lines('end', pid)) open.delete(key)
    return [...open]
  }

  /** How often each key was started or ended. */
  counts(event: LedgerLine['event']): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { key } of this.lines(event)) counts.set(key, (counts.get(key) ?? 0) + 1)
    return counts
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true })
  }
}

/** A process that works until it is killed or asked to end. */
export class CrashProcess {
  readonly pid: number
  readonly exited: Promise<number | NodeJS.Signals | null>
  #hasExited = false
  readonly #child: ChildProcess

  constructor(order: CrashOrder) {
    this.#child = spawn(process.execPath, [...FLAGS, main, JSON.stringify(order)], {
      stdio: ['pipe', 'inherit', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    this.pid = this.#child.pid ?? 0
    this.exited = new Promise((resolve) => {
      this.#child.on('exit', (code, signal) => {
        this.#hasExited = true
        resolve(signal ?? code)
      })
    })
  }

  get hasExited(): boolean {
    return this.#hasExited
  }

  /** @returns The time of the kill. */
  async kill(): Promise<number> {
    this.#child.kill('SIGKILL')
    const at = Date.now()
    await this.exited
    return at
  }

  /** @returns Its exit code. */
  end(): Promise<number | NodeJS.Signals | null> {
    this.#child.kill('SIGTERM')
    return this.exited
  }
}
