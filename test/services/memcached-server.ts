import { connect } from 'node:net'
import { findBinary } from './find-binary.ts'
import { freePort } from './free-port.ts'
import { ServiceUnavailableError } from './service.ts'
import { type SupervisedServer, superviseServer } from './supervise.ts'

/** A Memcached for one test. It can be killed and restarted, empty, on the same port. */
export interface MemcachedServer {
  readonly port: number
  /** `host:port`. */
  readonly address: string
  /** Starts it again after `kill`. */
  start(): Promise<void>
  /** Kills it like `kill -9`. */
  kill(): Promise<void>
  /** Suspends it (`SIGSTOP`) or resumes it. */
  pause(isPaused: boolean): void
  /** Runs one command on a separate connection, and returns the first data of the reply. */
  run(command: string): Promise<string>
  stop(): Promise<void>
}

/** @returns `undefined` if this machine has none. */
export function findMemcached(): string | undefined {
  return findBinary('memcached', ['/usr/bin', '/usr/local/bin'])
}

/**
 * Starts a Memcached for exclusive use.
 *
 * @param flags - More flags, such as `-m`.
 * @throws ServiceUnavailableError if this machine has no `memcached`.
 */
export async function startMemcachedServer(flags: readonly string[] = []): Promise<MemcachedServer> {
  const binary = findMemcached()
  if (binary === undefined) throw new ServiceUnavailableError('No memcached on PATH or in /usr/bin.')
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const command = [binary, ...user, '-l', '127.0.0.1', '-p', String(port), '-U', '0', '-t', '2', ...flags]
  let server: SupervisedServer | undefined
  const start = async (): Promise<void> => {
    server = await superviseServer({ commands: () => [command], ready: { port }, stopSignal: 'KILL' })
  }
  const kill = async (): Promise<void> => {
    await server?.stop()
    server = undefined
  }
  await start()
  return {
    port,
    address: `127.0.0.1:${port}`,
    start,
    kill,
    pause: (isPaused) => {
      if (server !== undefined) process.kill(server.pid, isPaused ? 'SIGSTOP' : 'SIGCONT')
    },
    run: (text) => runOn('127.0.0.1', port, text),
    stop: kill,
  }
}

/** Runs one command of the text protocol, and returns the first data of the reply. */
export function runOn(host: string, port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host)
    socket.once('error', reject)
    socket.once('data', (data) => {
      socket.destroy()
      resolve(data.toString('latin1'))
    })
    socket.write(`${command}\r\n`)
  })
}
