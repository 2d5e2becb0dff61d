import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { OwnProcesses } from '../own-processes.ts'
import type { ServerUser } from './server-user.ts'

const START_TIMEOUT_MS = 60_000
const KEPT_OUTPUT = 2_000
const SETTINGS = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' }

export interface PostgresPlace {
  readonly own: OwnProcesses
  /** Where the binaries are. */
  readonly binaries: string
  readonly user: ServerUser | undefined
  /** The data's folder, below that of `own`. */
  readonly name: string
  readonly port: number
}

/** A server of this run alone. */
export class PostgresServer {
  readonly url: string
  readonly data: string
  #process: ChildProcess | undefined

  constructor(private readonly place: PostgresPlace) {
    this.url = `postgresql://atlas@127.0.0.1:${place.port}/postgres`
    this.data = join(place.own.folder, place.name)
  }

  /** Runs one of PostgreSQL's programs to its end. */
  async run(program: string, args: readonly string[]): Promise<void> {
    const child = this.#spawn(program, args, 'SIGTERM')
    await until(child, program, undefined)
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    const flags = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    // With SIGQUIT, it exits immediately and releases its shared memory.
    this.#process = this.#spawn(
      'postgres',
      ['-D', this.data, '-p', String(this.place.port), ...flags],
      'SIGQUIT',
    )
    await until(this.#process, 'postgres', /ready to accept (read[- ]only )?connections/)
  }

  /** Kills it: its other processes notice on their own. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }

  #spawn(program: string, args: readonly string[], endsBy: NodeJS.Signals): ChildProcess {
    const { own, binaries, user } = this.place
    const env = { PATH: process.env.PATH, LC_ALL: 'C' }
    return own.spawn(
      join(binaries, program),
      args,
      { cwd: own.folder, env, stdio: ['ignore', 'pipe', 'pipe'], ...user },
      endsBy,
    )
  }
}

/** Waits for a string in the output of a program, or for its end if there is none. */
function until(child: ChildProcess, program: string, ready: RegExp | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    const fail = (reason: string) => reject(new Error(`${program} ${reason}\n${output}`.trim()))
    const timer = setTimeout(
      () => fail(`was not ready within ${START_TIMEOUT_MS / 1_000} s.`),
      START_TIMEOUT_MS,
    )
    // Keeps reading afterwards: otherwise the program would block on a full pipe.
    const listen = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT)
      if (ready?.test(output) === true) settle(resolve)
    }
    const settle = (end: () => void) => {
      clearTimeout(timer)
      end()
    }
    child.stdout?.on('data', listen)
    child.stderr?.on('data', listen)
    child.once('error', (error) => settle(() => fail(error.message)))
    child.once('close', (code) =>
      settle(code === 0 && ready === undefined ? resolve : () => fail(`exited with code ${code}.`)),
    )
  })
}
