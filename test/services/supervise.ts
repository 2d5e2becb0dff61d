import { type ChildProcess, spawn } from 'node:child_process'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { SOON } from '../support/patience.ts'
import type { SystemUser } from './unprivileged-user.ts'

const KEPT_OUTPUT = 4_000
const PROBE_MS = 20

export interface ServerPlan {
  /** Writes the files that the commands need to the folder. */
  prepare?(folder: string): Promise<void>
  /** Commands to run sequentially; the last one is the server. */
  commands(folder: string): readonly (readonly string[])[]
  /**
   * The output of the server once it listens, or the port of 127.0.0.1 on which it then accepts connections.
   */
  readonly ready: RegExp | { readonly port: number }
  /** The signal that ends the server without waiting for its clients. After 2 s it is `KILL`. */
  readonly stopSignal: 'INT' | 'KILL'
  /** Default: the user of this process. */
  readonly user?: SystemUser | undefined
}

export interface SupervisedServer {
  /** The process id of the server. */
  readonly pid: number
  /** Ends the server and removes its folder. */
  stop(): Promise<void>
}

/** Waits for the end of its input, then ends the process group `$1` and removes the folder `$3`. */
const GUARD = `
  read -r _
  kill -s "$2" -- "-$1"
  tries=0
  while kill -s 0 -- "-$1" && [ $tries -lt 40 ]; do
    sleep 0.05
    tries=$((tries + 1))
  done
  kill -s KILL -- "-$1"
  rm -rf "$3"`

/**
 * Starts a server in a new temporary folder and waits until it is ready.
 *
 * Server and folder are removed when `stop` is called, when startup fails, and when this process ends in any
 * way, including `SIGKILL`. A guard process reads from a pipe that only this process can write to, and cleans
 * up when it is closed.
 *
 * @throws Error with the end of the output if a command fails or the server is not ready in time.
 */
export async function superviseServer(plan: ServerPlan): Promise<SupervisedServer> {
  if (process.platform === 'win32') throw new Error('Servers are started on POSIX systems only.')
  const folder = await mkdtemp(join(tmpdir(), 'sluice-service-'))
  try {
    await plan.prepare?.(folder)
    if (plan.user !== undefined) await chown(folder, plan.user.uid, plan.user.gid)
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  const script = plan.commands(folder).map((command) => command.map(quote).join(' '))
  script.push(`exec ${script.pop()}`)
  const env = {
    PATH: [process.env.PATH, '/usr/bin', '/bin'].filter(Boolean).join(delimiter),
    HOME: folder,
    LC_ALL: 'C',
  }
  // Separate process groups: Ctrl-C in the terminal does not reach the server before the tests have ended.
  const server = spawn('/bin/sh', ['-c', script.join(' && ')], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...plan.user,
  })
  const guard = spawn('/bin/sh', ['-c', GUARD, 'guard', String(server.pid), plan.stopSignal, folder], {
    cwd: '/',
    env,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const stop = async () => {
    const ended = new Promise((resolve) => guard.once('exit', resolve))
    if (guard.exitCode !== null) return
    guard.ref()
    guard.stdin?.end()
    await ended
  }
  try {
    await untilReady(server, plan.ready)
  } catch (error) {
    await stop()
    throw error
  }
  detach(server)
  detach(guard)
  return { pid: server.pid as number, stop }
}

function quote(argument: string): string {
  return `'${argument.replaceAll("'", `'\\''`)}'`
}

function untilReady(server: ChildProcess, ready: ServerPlan['ready']): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = ''
    let probe: NodeJS.Timeout | undefined
    const done = () => {
      clearTimeout(timer)
      clearInterval(probe)
    }
    const fail = (reason: string) => {
      done()
      reject(new Error(`${reason}\n${output}`.trim()))
    }
    const succeed = () => {
      done()
      resolve()
    }
    const timer = setTimeout(
      () => fail(`The server was not ready within ${SOON.timeout / 1000} s.`),
      SOON.timeout,
    )
    if ('port' in ready) probe = setInterval(() => tryPort(ready.port, succeed), PROBE_MS)
    // Keeps reading after the server is ready, because a full pipe would block the server.
    const listen = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-KEPT_OUTPUT)
      if (!('port' in ready) && ready.test(output)) succeed()
    }
    server.stdout?.on('data', listen)
    server.stderr?.on('data', listen)
    server.once('error', (error) => fail(error.message))
    server.once('close', (code) => fail(`The server exited with code ${code} before it was ready.`))
  })
}

function tryPort(port: number, succeed: () => void): void {
  const socket = connect(port, '127.0.0.1', () => {
    socket.destroy()
    succeed()
  })
  socket.on('error', () => {})
}

/** Lets this process exit while the other process runs. */
function detach(child: ChildProcess): void {
  child.unref()
  for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as Socket | null)?.unref()
}
