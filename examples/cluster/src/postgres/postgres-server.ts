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
  #primary: PostgresServer | undefined

  constructor(private readonly place: PostgresPlace) {
    this.url = `postgresql://atlas@127.0.0.1:${place.port}/postgres`
    this.data = join(place.own.folder, place.name)
  }

  /** Runs one of PostgreSQL's programs to its end. */
  async run(program: string, args: readonly string[]): Promise<void> {
    const child = this.#spawn(join(this.place.binaries, program), args, 'SIGTERM')
    await until(child, program, undefined)
  }

  /** Makes it a replica of a server that has not started yet: it receives everything that this one writes. */
  async follow(primary: PostgresServer): Promise<void> {
    this.#primary = primary
    const copy = `cp -R "$1" "$2" && touch "$2/standby.signal"`
    const child = this.#spawn('/bin/sh', ['-c', copy, 'sh', primary.data, this.data], 'SIGTERM')
    await until(child, 'cp', undefined)
  }

  /** Resolves when it accepts connections. */
  async start(): Promise<void> {
    const settings = { ...SETTINGS, ...(this.#primary && { primary_conninfo: this.#primary.url }) }
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    // With SIGQUIT, it exits immediately and releases its shared memory.
    this.#process = this.#spawn(
      join(this.place.binaries, 'postgres'),
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

  #spawn(command: string, args: readonly string[], endsBy: NodeJS.Signals): ChildProcess {
    const { own, user } = this.place
    const env = { PATH: process.env.PATH, LC_ALL: 'C' }
    return own.spawn(
      command,
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
