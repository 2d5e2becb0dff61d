import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findBinary } from './find-binary.ts'
import { freePort } from './free-port.ts'
import { ServiceUnavailableError } from './service.ts'
import { type SupervisedServer, superviseServer } from './supervise.ts'

/** A Redis of one test: it can be killed, and come back at the same port with what it had saved. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Starts it again after `kill`. */
  start(): Promise<void>
  /** Ends it as `kill -9` does. */
  kill(): Promise<void>
  /** Stops it where it is (`SIGSTOP`), or lets it go on. */
  pause(isPaused: boolean): Promise<void>
  /** Runs one command on a connection of its own. */
  run(command: string, ...args: (string | number)[]): Promise<unknown>
  /** Ends it and removes what it saved. */
  stop(): Promise<void>
}

/** @returns `undefined` when this machine has none. */
export function findRedisServer(): string | undefined {
  return findBinary('redis-server', ['/usr/bin', '/usr/local/bin'])
}

/**
 * Starts a Redis that nobody else uses; it saves nothing by itself.
 *
 * @param settings - More settings, such as `cluster-enabled`.
 * @throws ServiceUnavailableError when this machine has no `redis-server`.
 */
export async function startRedisServer(settings: Readonly<Record<string, string>> = {}): Promise<RedisServer> {
  const binary = findRedisServer()
  if (binary === undefined) throw new ServiceUnavailableError('No redis-server on PATH or in /usr/bin.')
  const folder = await mkdtemp(join(tmpdir(), 'sluice-redis-'))
  // A Cluster's nodes talk to each other on the port plus 10,000.
  const port = await freePort()
  const all = { port: String(port), bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no', ...settings }
  const flags = Object.entries(all).flatMap(([name, value]) => [`--${name}`, value])
  let server: SupervisedServer | undefined
  let pid = 0

  const run = async (command: string, ...args: (string | number)[]): Promise<unknown> => {
    const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null, maxRetriesPerRequest: 0 })
    redis.on('error', () => {})
    try {
      await redis.connect()
      return await redis.call(command, ...args)
    } finally {
      redis.disconnect()
    }
  }
  const start = async (): Promise<void> => {
    server = await superviseServer({ commands: () => [[binary, ...flags]], ready: /Ready to accept connections/, stopSignal: 'KILL' })
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
