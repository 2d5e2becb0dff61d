import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findBinary } from './find-binary.ts'
import { freePort } from './free-port.ts'
import { ServiceUnavailableError } from './service.ts'
import { type SupervisedServer, superviseServer } from './supervise.ts'

/** A Redis for one test. It can be killed and restarted on the same port with its saved data. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Starts it again after `kill`. */
  start(): Promise<void>
  /** Kills it like `kill -9`. */
  kill(): Promise<void>
  /** Suspends it (`SIGSTOP`) or resumes it. */
  pause(isPaused: boolean): Promise<void>
  /** Runs one command on a separate connection. */
  run(command: string, ...args: (string | number)[]): Promise<unknown>
  /** Ends it and removes its saved data. */
  stop(): Promise<void>
}

/** @returns `undefined` if this machine has none. */
export function findRedisServer(): string | undefined {
  return findBinary('redis-server', ['/usr/bin', '/usr/local/bin'])
}

/**
 * Starts a Redis for exclusive use; it does not save automatically.
 *
 * @param settings - More settings, such as `cluster-enabled`.
 * @throws ServiceUnavailableError if this machine has no `redis-server`.
 */
export async function startRedisServer(
  settings: Readonly<Record<string, string>> = {},
): Promise<RedisServer> {
  const binary = findRedisServer()
  if (binary === undefined) throw new ServiceUnavailableError('No redis-server on PATH or in /usr/bin.')
  const folder = await mkdtemp(join(tmpdir(), 'sluice-redis-'))
  // Nodes of a Cluster communicate on the port plus 10,000.
  const port = await freePort()
  const all = { port: String(port), bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', ...settings }
  const flags = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])
  let server: SupervisedServer | undefined
  let pid = 0

  const run = async (command: string, ...args: (string | number)[]): Promise<unknown> => {
    const redis = new Redis({
      port,
      host: '127.0.0.1',
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    })
    redis.on('error', () => {})
    try {
      await redis.connect()
      return await redis.call(command, ...args)
    } finally {
      redis.disconnect()
    }
  }
  const start = async (): Promise<void> => {
    server = await superviseServer({
      commands: () => [[binary, ...flags]],
      ready: /Ready to accept connections/,
      stopSignal: 'KILL',
    })
    pid = Number(/^process_id:(\d+)/m.exec(String(await run('INFO', 'server')))?.[1])
  }
  const kill = async (): Promise<void> => {
    await server?.stop()
    server = undefined
  }
  const stop = async (): Promise<void> => {
    await kill()
    await rm(folder, { recursive: true, force: true })
  }
  const pause = async (isPaused: boolean): Promise<void> => {
    process.kill(pid, isPaused ? 'SIGSTOP' : 'SIGCONT')
  }
  try {
    await start()
  } catch (error) {
    await stop()
    throw error
  }
  return { port, url: `redis://127.0.0.1:${port}`, start, kill, pause, run, stop }
}
