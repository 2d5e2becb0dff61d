import { setTimeout as after } from 'node:timers/promises'
import { randomToken } from '@sluice/core/siblings'
import type { CacheStore } from '@sluice/core/stores'
import { type MemcachedStoreOptions, memcachedStore } from '@sluice/memcached'
import { afterEach, describe, expect, it } from 'vitest'
import { Keys } from '../../packages/memcached/src/keys.ts'
import { NEVER } from '../../packages/memcached/src/tag-logs.ts'
import { findMemcached, type MemcachedServer, startMemcachedServer } from '../services/memcached-server.ts'
import { SilentProxy } from '../services/silent-proxy.ts'
import { Random } from '../support/random.ts'
import { type FaultReport, type FaultRunOptions, runFaults } from './fault-run.ts'
import { clientOf, flood } from './raw-client.ts'

const MS = Number(process.env.SLUICE_FAULT_MS ?? 6_000)
const NAMESPACE = 'f'
const timing = { leaseMs: 2_000, quarantineMs: 1_000, commandTimeoutMs: 300 }
const NO_VIOLATION = { a: 0, b: 0, c: 0 }

type Hurt = (random: Random, signal: AbortSignal) => Promise<void>

describe.skipIf(findMemcached() === undefined)('faults of Memcached', { retry: 0 }, () => {
  const cleanups: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })

  async function serve(...flags: readonly string[]): Promise<MemcachedServer> {
    const server = await startMemcachedServer(flags)
    cleanups.push(() => server.stop())
    return server
  }
  const storeOn = (options: Pick<MemcachedStoreOptions, 'state'> & Partial<MemcachedStoreOptions>) =>
    memcachedStore({ namespace: NAMESPACE, ...timing, ...options })

  async function run(
    connect: (caller: number) => CacheStore,
    hurt: Hurt,
    options: Partial<FaultRunOptions> = {},
  ): Promise<FaultReport> {
    const seed = Date.now() % 1_000_000
    const random = new Random(seed)
    const report = await runFaults({
      random,
      ms: MS,
      leaseMs: timing.leaseMs,
      connect,
      hurt: (signal) => hurt(new Random(seed + 1), signal),
      ...options,
    })
    if (process.env.SLUICE_FAULT_MS !== undefined) console.log(JSON.stringify({ seed, ...report }))
    return report
  }

  const idle: Hurt = (_, signal) => forever(signal)
  /** Damages repeatedly, after pauses. */
  const each =
    (pauseMs: number, damage: (random: Random) => Promise<void>): Hurt =>
    async (random, signal) => {
      while (!signal.aborted) {
        await sleep(pauseMs * (0.6 + 0.8 * random.next()), signal)
        if (!signal.aborted) await damage(random)
      }
    }

  function expectSound(report: FaultReport): void {
    expect(report).toMatchObject(NO_VIOLATION)
    expect(report.hits).toBeGreaterThan(0)
    expect(report.writes).toBeGreaterThan(20)
  }

  it('violates no guarantee without faults', async () => {
    const { address } = await serve()
    expectSound(await run(() => storeOn({ state: address }), idle))
  })

  it('violates no guarantee when the server is killed and restarted without its state', async () => {
    const server = await serve()
    // Less often than a reconnection, a quarantine and leases take: otherwise, nothing would be cached.
    const damage = each(4_500, async (random) => {
      await server.kill()
      await after(500 * random.next())
      await server.start()
    })
    const options = { ms: 2 * MS, deaths: 0.05 }
    expectSound(await run(() => storeOn({ state: server.address }), damage, options))
  })

  it('violates no guarantee when the server is suspended', async () => {
    const server = await serve()
    const damage = each(1_200, async (random) => {
      server.pause(true)
      await after(100 + 1_200 * random.next())
      server.pause(false)
    })
    expectSound(await run(() => storeOn({ state: server.address }), damage))
  })

  it('violates no guarantee when the server is emptied', async () => {
    const server = await serve()
    const damage = each(3_500, async () => void (await server.run('flush_all')))
    const options = { ms: 2 * MS, deaths: 0.05 }
    expectSound(await run(() => storeOn({ state: server.address }), damage, options))
  })

  it('violates no guarantee when the server evicts', async () => {
    const server = await serve('-m', '2')
    const client = await clientOf(server, cleanups)
    const damage = each(800, async (random) => {
      await flood(client, random, 16_000)
    })
    const report = await run(() => storeOn({ state: server.address }), damage, { rows: 400 })
    expectSound(report)
    const { flags } = (await client.send(['stats\r\n'], 1))[0] ?? {}
    expect(Number(flags?.evictions)).toBeGreaterThan(10_000)
  })

  it('violates no guarantee when processes have different lists of entry servers', async () => {
    const [state, first, second] = [await serve(), await serve(), await serve()]
    const connect = (caller: number) =>
      storeOn({
        state: state.address,
        entries: caller % 2 === 0 ? [first.address, second.address] : [first.address],
      })
    const damage = each(1_500, async (random) => {
      await second.kill()
      await after(1_000 * random.next())
      await second.start()
    })
    expectSound(await run(connect, damage))
  })

  it.each(['all', 'answers'] as const)(
    'violates no guarantee when the network between some processes and the server loses data: %s',
    async (what) => {
      const server = await serve()
      const proxy = await SilentProxy.open(server.port)
      cleanups.push(() => proxy.close())
      const connect = (caller: number) =>
        storeOn({ state: caller % 2 === 0 ? server.address : `127.0.0.1:${proxy.port}` })
      const damage = each(700, async () => proxy.silence(what))
      expectSound(await run(connect, damage, { callers: 12 }))
    },
  )

  it('finds that entries are deleted after the write', async () => {
    const { address } = await serve()
    const report = await run(() => storeOn({ state: address }), idle, { protocol: 'delete' })
    expect(report.a).toBeGreaterThan(0)
    expect(report.b).toBeGreaterThan(0)
  })

  it('finds that a tombstone stands for all intents', async () => {
    const server = await serve()
    const client = await clientOf(server, cleanups)
    const keys = new Keys(NAMESPACE)
    const put = async (tags: readonly string[], text: () => string) => {
      const commands = tags.map((tag) => {
        const value = text()
        return `ms ${keys.tag(tag)} ${value.length} T${NEVER}\r\n${value}\r\n`
      })
      await client.send(commands, commands.length)
    }
    const connect = () =>
      Object.assign(storeOn({ state: server.address }), {
        begin: (tags: readonly string[]) => put(tags, () => 'S;'),
        renew: async () => true,
        end: async (tags: readonly string[]) => void (await put(tags, () => `S${randomToken()};`)),
      }) as CacheStore
    const report = await run(connect, idle)
    expect(report.b).toBeGreaterThan(0)
  })

  it('finds that processes have different state servers', async () => {
    const [one, other] = [await serve(), await serve()]
    const report = await run((caller) => storeOn({ state: (caller % 2 ? one : other).address }), idle)
    expect(report.a).toBeGreaterThan(0)
  })
})

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return after(ms, undefined, { signal }).catch(() => {})
}

function forever(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
}
