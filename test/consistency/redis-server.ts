import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { findBinary } from '../services/find-binary.ts'
import { freePort } from '../services/free-port.ts'
import { ServiceUnavailableError } from '../services/service.ts'
import type { ProcessGuard } from './process-guard.ts'
import type { StoreServer } from './store-server.ts'

const DUMP = 'dump.rdb'

/** A Redis. */
export class RedisServer implements StoreServer {
  readonly port: number
  readonly #binary: string
  readonly #folder: string
  readonly #guard: ProcessGuard
  #child: ChildProcess | undefined

  private constructor(port: number, binary: string, folder: string, guard: ProcessGuard) {
    this.port = port
    this.#binary = binary
    this.#folder = folder
    this.#guard = guard
  }

  /** @throws ServiceUnavailableError if this machine has no `redis-server`. */
  static async start(guard: ProcessGuard): Promise<RedisServer> {
    const binary = findBinary('redis-server', ['/usr/bin', '/usr/local/bin'])
    if (binary === undefined)
      throw new ServiceUnavailableError('No redis-server on PATH, in /usr/bin or in /usr/local/bin.')
    const port = await freePort()
    const folder = join(guard.folder, `redis-${port}`)
    await mkdir(folder, { recursive: true })
    const server = new RedisServer(port, binary, folder, guard)
    await server.#start()
    return server
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    this.#child = undefined
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }

  async restart(withSnapshot: boolean): Promise<void> {
    if (!withSnapshot) await rm(join(this.#folder, DUMP), { force: true })
    await this.#start()
  }

  async saveSnapshot(): Promise<void> {
    await this.#command((redis) => redis.call('SAVE'))
  }

  async flush(): Promise<void> {
    await this.#command((redis) => redis.flushall())
  }

  async cutSubscribers(): Promise<void> {
    await this.#command((redis) => redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
  }

  async #start(): Promise<void> {
    const options = {
      port: this.port,
      bind: '127.0.0.1',
      dir: this.#folder,
      dbfilename: DUMP,
      save: '',
      appendonly: 'no',
    }
    const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
    const child = spawn(this.#binary, flags, {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    this.#guard.watch(child)
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.includes('Ready to accept connections')) resolve()
      })
      child.once('error', reject)
      child.once('exit', (code) =>
        reject(new Error(`redis-server exited with code ${code} before it was ready.`)),
      )
    })
    this.#child = child
  }

  async #command(run: (redis: Redis) => Promise<unknown>): Promise<void> {
    const redis = new Redis({
      port: this.port,
      host: '127.0.0.1',
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
    })
    redis.on('error', () => {})
    try {
      await redis.connect()
      await run(redis)
    } finally {
      redis.disconnect()
    }
  }
}
