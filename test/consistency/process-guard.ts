import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Records `+ pid` and `- pid`; at the end of its input it kills the recorded processes, and removes the
 * folder `$1`.
 */
const GUARD = `
  pids=' '
  while read -r sign pid; do
    case $sign in
      +) pids="$pids$pid " ;;
      -) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
    esac
  done
  for pid in $pids; do kill -s KILL "$pid"; done
  rm -rf "$1"`

/**
 * Ensures that processes end, and a folder is removed, when this process ends in any way; this includes
 * suspended and killed processes.
 */
export class ProcessGuard {
  readonly folder: string
  readonly #guard: ChildProcess
  readonly #alive = new Map<number, Promise<void>>()

  private constructor(folder: string) {
    this.folder = folder
    this.#guard = spawn('/bin/sh', ['-c', GUARD, 'guard', folder], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#guard.unref()
    ;(this.#guard.stdin as Socket).unref()
  }

  static async start(): Promise<ProcessGuard> {
    return new ProcessGuard(await mkdtemp(join(tmpdir(), 'sluice-consistency-')))
  }

  watch(child: ChildProcess): void {
    const { pid } = child
    if (pid === undefined) return
    this.#guard.stdin?.write(`+ ${pid}\n`)
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => {
        this.#alive.delete(pid)
        this.#guard.stdin?.write(`- ${pid}\n`)
        resolve()
      })
    })
    this.#alive.set(pid, gone)
  }

  /** Kills the remaining processes and waits until they are gone. */
  async close(): Promise<void> {
    const gone = [...this.#alive.values()]
    for (const pid of this.#alive.keys()) process.kill(pid, 'SIGKILL')
    await Promise.all(gone)
    const ended = new Promise((resolve) => this.#guard.once('exit', resolve))
    this.#guard.ref()
    this.#guard.stdin?.end()
    await ended
  }
}
