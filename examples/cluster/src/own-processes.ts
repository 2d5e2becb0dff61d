import { type ChildProcess, type ForkOptions, fork, type SpawnOptions, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Waits for the end of its input, which closes when the process that started it ends in any way. Then it
 * sends each process that has a file in `$1/pids` the signal in that file, after two seconds `KILL`, and
 * removes the folder `$1`.
 */
const GUARD = `
  read -r _
  each() {
    for file in "$1"/pids/*; do
      [ -e "$file" ] && kill -s "\${2:-$(cat "$file")}" "\${file##*/}" && left=1
    done
  }
  each "$1"
  tries=0
  left=1
  while [ -n "$left" ] && [ $tries -lt 40 ]; do
    sleep 0.05
    tries=$((tries + 1))
    left=
    each "$1" 0
  done
  each "$1" KILL
  rm -rf "$1"`

/**
 * Processes, and a folder for them, that end with this process. Ctrl-C on the terminal reaches none of them.
 */
export class OwnProcesses {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sluice-cluster-'))
  readonly #guard: ChildProcess

  constructor() {
    mkdirSync(join(this.folder, 'pids'))
    this.#guard = spawn('/bin/sh', ['-c', GUARD, 'guard', this.folder], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    this.#guard.unref()
    const input = this.#guard.stdin as Socket | null
    input?.unref()
  }

  /** @param endsBy - The signal that ends it. */
  spawn(
    command: string,
    args: readonly string[],
    options: SpawnOptions,
    endsBy: NodeJS.Signals,
  ): ChildProcess {
    return this.#own(spawn(command, args, { ...options, detached: true }), endsBy)
  }

  /** A process of Node. */
  fork(module: string, args: readonly string[], options: ForkOptions): ChildProcess {
    return this.#own(fork(module, args, { ...options, detached: true }), 'SIGKILL')
  }

  /** Ends all that is left, and removes the folder. */
  async close(): Promise<void> {
    if (this.#guard.exitCode !== null || this.#guard.signalCode !== null) return
    this.#guard.ref()
    const ended = new Promise((resolve) => this.#guard.once('exit', resolve))
    this.#guard.stdin?.end()
    await ended
  }

  #own(child: ChildProcess, endsBy: NodeJS.Signals): ChildProcess {
    const { pid } = child
    if (pid === undefined) return child
    const file = join(this.folder, 'pids', String(pid))
    writeFileSync(file, endsBy.replace('SIG', ''))
    // A different process may soon have its number.
    child.once('exit', () => rmSync(file, { force: true }))
    return child
  }
}
