import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { createSluice, type TieredCache } from '@sluice/core'
import { type RedisRelay, type RedisStore, redisRelay, redisStore } from '@sluice/redis'
import { Redis } from 'ioredis'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { DelayProxy } from '../services/delay-proxy.ts'
import { findRedisServer, type RedisServer, startRedisServer } from '../services/redis-server.ts'
import { cliProject } from '../support/run-cli.ts'
import { pause, RegionOracle, type Verdict } from './region-oracle.ts'
import { eventually } from './witness.ts'

/** Each way between the regions, in milliseconds. */
const WAY_MS = 40
const BOUND_MS = 1_000
const RUN_MS = 8_000
const FAULT_AT_MS = 2_000
const FAULT_MS = 3_000
const KEYS = 10

/** The parts of a run that a fault can hit. */
interface World {
  readonly line: DelayProxy
  readonly us: RedisServer
  readonly eu: RedisServer
  readonly relays: RedisRelay[]
  startRelay(): void
  /** Starts a relay as a separate process, and closes the one that runs. */
  startProcess(): Promise<ChildProcess>
}

const FAULTS: Readonly<Record<string, (world: World) => Promise<void>>> = {
  'all well': async () => {},
  'line cut for 3 s': async ({ line }) => {
    await pause(FAULT_AT_MS)
    line.cut(true)
    await pause(FAULT_MS)
    line.cut(false)
  },
  'connections reset every 2 s': async ({ line }) => {
    for (let at = FAULT_AT_MS; at < RUN_MS; at += FAULT_AT_MS) {
      await pause(FAULT_AT_MS)
      line.reset()
    }
  },
  'relay dead for 3 s': async ({ relays, startRelay }) => {
    await pause(FAULT_AT_MS)
    await relays.shift()?.close()
    await pause(FAULT_MS)
    startRelay()
  },
  'two relays, one restarts': async ({ relays, startRelay }) => {
    startRelay()
    await pause(FAULT_AT_MS)
    await relays.shift()?.close()
    await pause(FAULT_MS)
    startRelay()
  },
  'Redis of the writers restarted empty': ({ us }) => restart(us),
  'Redis of the readers restarted empty': ({ eu }) => restart(eu),
  'Redis of the writers suspended for 3 s': ({ us }) => suspend((isPaused) => us.pause(isPaused)),
  'Redis of the readers suspended for 3 s': ({ eu }) => suspend((isPaused) => eu.pause(isPaused)),
  'relay process suspended for 3 s': async ({ startProcess }) => {
    const relay = await startProcess()
    await suspend(async (isPaused) => void relay.kill(isPaused ? 'SIGSTOP' : 'SIGCONT'))
  },
}

async function suspend(pauseIt: (isPaused: boolean) => Promise<void>): Promise<void> {
  await pause(FAULT_AT_MS)
  await pauseIt(true)
  await pause(FAULT_MS)
  await pauseIt(false)
}

async function restart(server: RedisServer): Promise<void> {
  await pause(FAULT_AT_MS)
  await server.kill()
  await pause(500)
  await server.start()
}

describe.skipIf(findRedisServer() === undefined)('staleness across two regions', () => {
  const cleanups: (() => unknown)[] = []
  const rows: string[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  })
  afterAll(() =>
    console.log(['fault: stale / reads (hits), beyond the bound, oldest ms; lag', ...rows].join('\n')),
  )

  const clientOf = (port: number): Redis => {
    const redis = new Redis({ port, host: '127.0.0.1', lazyConnect: true })
    cleanups.push(() => redis.disconnect())
    return redis
  }
  const cacheOn = (store: RedisStore): TieredCache => {
    const cache = { store, onInvalidationFailure: 'reject-write' } as const
    const sluice = createSluice({ mode: 'optimize', cache })
    sluice.on('error', () => {})
    cleanups.push(() => sluice.close())
    if (sluice.tiered === undefined) throw new Error('Expected a cache.')
    return sluice.tiered
  }

  it.each(Object.entries(FAULTS))('stays within the bound: %s', async (name, fault) => {
    const [us, eu] = [await startRedisServer(), await startRedisServer()]
    cleanups.push(() => Promise.all([us.stop(), eu.stop()]))
    const line = await DelayProxy.open(us.port, WAY_MS)
    cleanups.push(() => line.close())
    const relays: RedisRelay[] = []
    const startRelay = () => {
      const ends = { region: 'us', from: clientOf(line.port), to: clientOf(eu.port) }
      relays.push(redisRelay({ ...ends, maxLagMs: BOUND_MS }))
    }
    startRelay()
    cleanups.push(() => Promise.all(relays.map((relay) => relay.close())))
    const startProcess = async () => {
      const project = cliProject()
      cleanups.push(() => project.remove())
      const urls = ['--from', `redis://127.0.0.1:${line.port}`, '--to', eu.url]
      const { child } = project.start(['relay', '--region', 'us', ...urls])
      cleanups.push(() => void child.kill('SIGKILL'))
      await once(child.stdout as Readable, 'data')
      await relays.shift()?.close()
      return child
    }
    const writer = cacheOn(redisStore(clientOf(us.port)))
    const readers = [0, 1].map(() =>
      cacheOn(redisStore(clientOf(eu.port), { remoteRegions: { us: clientOf(line.port) } })),
    )
    await eventually(async () => relays[0]?.getStats().isFresh || undefined)

    const oracle = new RegionOracle(KEYS, BOUND_MS)
    const read = (cache: TieredCache, key: string) =>
      oracle.read(key, () => cache.getOrLoad(key, () => oracle.load(key, WAY_MS), { ttl: 600 }))
    const write = writer.writeThrough<number>((key, value) => oracle.write(key, value))
    const ownWrite = readers[0]?.writeThrough<number>((key, value) => oracle.write(key, value))
    const until = performance.now() + RUN_MS
    const every = async (ms: number, run: () => Promise<unknown>) => {
      const started: Promise<unknown>[] = []
      while (performance.now() < until) {
        started.push(run())
        await pause(ms)
      }
      await Promise.all(started)
    }
    // A rejected write is not sent.
    const writeSome = () => write(oracle.someKey, oracle.newValue()).catch(() => {})
    const ownWriteSome = async () => ownWrite?.(oracle.someKey, oracle.newValue()).catch(() => {})
    await Promise.all([
      fault({ line, us, eu, relays, startRelay, startProcess }),
      every(200, writeSome),
      every(500, ownWriteSome),
      ...readers.map((reader) => every(20, () => read(reader, oracle.someKey))),
    ])
    const verdict = oracle.verdict()
    const lag = relays
      .map((relay) => relay.getStats())
      .map((one) => `${one.lagP50Ms.toFixed(0)}–${one.lagP99Ms.toFixed(0)}`)
    rows.push(rowOf(name, verdict, lag.join(', ')))

    // At rest.
    await eventually(
      async () =>
        relays.every((relay) => relay.getStats().isFresh && relay.getStats().held === 0) || undefined,
    )
    await pause(BOUND_MS)
    const wrong: string[] = []
    for (const key of oracle.keys)
      for (const reader of readers) {
        const load = () => Promise.resolve(oracle.current(key))
        if ((await reader.getOrLoad(key, load, { ttl: 600 })) !== oracle.current(key)) wrong.push(key)
      }
    expect(wrong).toEqual([])
    expect(verdict.beyond, rows.at(-1)).toBe(0)
    // A run without hits, or without writes that arrive later, would prove nothing.
    expect(verdict.hits).toBeGreaterThan(verdict.reads / 10)
    if (name === 'all well') expect(verdict.stale).toBeGreaterThan(0)
  })
})

function rowOf(name: string, { stale, reads, hits, beyond, oldestMs }: Verdict, lag: string): string {
  return `${name}: ${stale} / ${reads} (${hits}), ${beyond}, ${oldestMs}; ${lag} ms`
}
