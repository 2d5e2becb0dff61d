import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const START_TIMEOUT_MS = 10_000

/** A private Redis. */
export interface PrivateRedis {
  readonly url: string
  stop(): Promise<void>
}

/** There is no `redis-server` to start. */
export class NoRedisError extends Error {}

/**
 * Starts the `redis-server` of the `PATH` on a free port of the loopback interface. It saves nothing, and
 * ends with this process.
 *
 * @throws NoRedisError when there is none.
 */
export async function startPrivateRedis(): Promise<PrivateRedis> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'atlas-redis-'))
  const settings = { port: String(port), bind: '127.0.0.1', dir: folder, save: '', appendonly: 'no' }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const server = spawn('redis-server', flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  const end = () => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  process.once('exit', end)
  const stop = async () => {
    process.off('exit', end)
    const ended =
      server.pid === undefined || server.exitCode !== null
        ? undefined
        : new Promise((resolve) => server.once('exit', resolve))
    end()
    await ended
  }
  try {
    await untilReady(server)
    return { url: `redis://127.0.0.1:${port}`, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function untilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`redis-server was not ready within ${START_TIMEOUT_MS / 1_000} s.`)),
      START_TIMEOUT_MS,
    )
    const settle = (error?: Error) => {
      clearTimeout(timer)
      if (error === undefined) resolve()
      else reject(error)
    }
    server.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('Ready to accept connections')) settle()
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT'
      settle(
        isMissing
          ? new NoRedisError(
              'No redis-server is on the PATH: install Redis, or pass --redis redis://host:port.',
            )
          : error,
      )
    })
    server.once('exit', (code) =>
      settle(new Error(`redis-server exited with code ${code} before it was ready.`)),
    )
  })
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
