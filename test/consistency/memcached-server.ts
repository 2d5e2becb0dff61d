import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as after } from 'node:timers/promises'
import { freePort } from '../services/free-port.ts'
import { findMemcached, runOn } from '../services/memcached-server.ts'
import { ServiceUnavailableError } from '../services/service.ts'
import type { ProcessGuard } from './process-guard.ts'
import type { StoreServer } from './store-server.ts'

/** A Memcached. It has neither snapshots nor subscribers. */
export class MemcachedServer implements StoreServer {
  readonly port: number
  readonly #binary: string
  readonly #guard: ProcessGuard
  #child: ChildProcess | undefined

  private constructor(port: number, binary: string, guard: ProcessGuard) {
    this.port = port
    this.#binary = binary
    this.#guard = guard
  }

  /** @throws ServiceUnavailableError if this machine has no `memcached`. */
  static async start(guard: ProcessGuard): Promise<MemcachedServer> {
    const binary = findMemcached()
    if (binary === undefined) throw new ServiceUnavailableError('No memcached on PATH or in /usr/bin.')
    const server = new MemcachedServer(await freePort(), binary, guard)
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

  restart(): Promise<void> {
    return this.#start()
  }

  async flush(): Promise<void> {
    await runOn('127.0.0.1', this.port, 'flush_all')
  }

  async saveSnapshot(): Promise<void> {}

  async cutSubscribers(): Promise<void> {}

  async #start(): Promise<void> {
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
    const flags = [...user, '-l', '127.0.0.1', '-p', String(this.port), '-U', '0', '-t', '2']
    const child = spawn(this.#binary, flags, {
      cwd: '/',
      stdio: ['ignore', 'ignore', 'inherit'],
      detached: true,
    })
    this.#guard.watch(child)
    this.#child = child
    for (;;) {
      if (child.exitCode !== null)
        throw new Error(`memcached exited with code ${child.exitCode} before it was ready.`)
      const version = await runOn('127.0.0.1', this.port, 'version').catch(() => undefined)
      if (version !== undefined) return
      await after(20)
    }
  }
}
