// An app under load: atlas on two workers on one port, requested over 1,000 connections, with and without
// Sluice.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSluice, type ScalingEvent } from '@sluice/core'
import { DEFAULT_FILE } from '@sluice/example-atlas/database-target'
import { loadData } from '@sluice/example-atlas/load'
import { createProgress } from '@sluice/example-atlas/progress'
import { createWorkingCopy, type WorkingCopy } from '@sluice/example-atlas/working-copy'
import { endWithout } from '../services/end-without.ts'
import { freePort } from '../services/free-port.ts'
import { startRedisServer } from '../services/redis-server.ts'
import { type BenchFigure, printFigures, toJson } from './database/report.ts'
import { benchOptions, median } from './harness.ts'
import { CONNECT_MS, createIndexes, planTraffic, TRAFFIC, type Traffic } from './load/traffic.ts'
import { differencesOf } from './load/verify.ts'
import { WORKERS, WorkerPair } from './load/worker-pair.ts'
import type { WorkerCounts } from './load/worker-plan.ts'
import { type Round, wrk } from './load/wrk.ts'

const { json, quick } = benchOptions()
const CONNECTIONS = 1_000
const TARGETS = { requests: 10_000, hits: 80 } as const
/** With store with new state caches nothing for 3 seconds. Then code and caches warm up. */
const WARM_UP_SECONDS = quick ? 6 : 15
const DECISIONS_SEED = 99
const VERIFIED = 100
/** Longer than the maximum staleness of `bounded`. */
const SETTLE_MS = 2_000

interface Load extends Round {
  readonly before: WorkerCounts
  readonly after: WorkerCounts
}

interface App {
  readonly name: string
  readonly copy: WorkingCopy
  readonly workers: WorkerPair
  readonly rounds: Load[]
}

async function openApp(name: string, redisUrl: string, consistency?: 'strict' | 'bounded'): Promise<App> {
  const copy = await createWorkingCopy({ kind: 'sqlite', file: DEFAULT_FILE })
  const namespace = `load-${randomBytes(6).toString('hex')}`
  const shared = consistency && { shared: { redisUrl, namespace, consistency } }
  try {
    await createIndexes(fileOf(copy))
    const workers = await WorkerPair.start({ file: fileOf(copy), port: await freePort(), ...shared })
    return { name, copy, workers, rounds: [] }
  } catch (error) {
    copy.remove()
    throw error
  }
}

function fileOf({ target }: WorkingCopy): string {
  if (target.kind !== 'sqlite') throw new TypeError('It was opened as SQLite.')
  return target.file
}

async function drive({ workers }: App, traffic: Traffic, seconds: number, seed: number): Promise<Load> {
  const before = await workers.counts()
  const round = await wrk(workers.origin, traffic, { connections: CONNECTIONS, seconds, seed })
  return { ...round, before, after: await workers.counts() }
}

const perSecond = ({ requests, durationUs }: Round) => requests / (durationUs / 1e6 - CONNECT_MS / 1e3)
const change = ({ before, after }: Load, of: keyof WorkerCounts) => after[of] - before[of]
const medianOf = (rounds: readonly Load[], of: (load: Load) => number) => median(rounds.map(of))

interface Summary {
  readonly name: string
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly errors: number
  /** Share of reads, in percent. */
  readonly hits: number
  /** Statements per request. */
  readonly statements: number
  readonly cpuUs: number
  readonly rssMb: number
}

function summaryOf({ name, rounds }: App): Summary {
  const reads = (load: Load) => change(load, 'hits') + change(load, 'misses')
  return {
    name,
    perSecond: medianOf(rounds, perSecond),
    p50Ms: medianOf(rounds, ({ p50Us }) => p50Us / 1_000),
    p99Ms: medianOf(rounds, ({ p99Us }) => p99Us / 1_000),
    errors: rounds.reduce((sum, { refused, broken, late }) => sum + refused + broken + late, 0),
    hits: medianOf(rounds, (load) => (reads(load) === 0 ? 0 : (100 * change(load, 'hits')) / reads(load))),
    statements: medianOf(rounds, (load) => change(load, 'statements') / change(load, 'requests')),
    cpuUs: medianOf(rounds, (load) => (1_000 * change(load, 'cpuMs')) / change(load, 'requests')),
    rssMb: Math.max(...rounds.map(({ after }) => after.rssMb)),
  }
}

function print({ name, perSecond, p50Ms, p99Ms, errors, hits, statements, cpuUs, rssMb }: Summary): void {
  const cells = [
    perSecond.toFixed(0),
    p50Ms.toFixed(1),
    p99Ms.toFixed(0),
    errors,
    `${hits.toFixed(1)} %`,
    statements.toFixed(2),
    cpuUs.toFixed(0),
    rssMb.toFixed(0),
  ]
  console.log(`  ${name.padEnd(18)}${cells.map((cell) => String(cell).padStart(12)).join('')}`)
}

function figuresOf(
  [bare, ...others]: readonly Summary[],
  differences: ReadonlyMap<string, number>,
): BenchFigure[] {
  if (bare === undefined) return []
  return others.flatMap(({ name, perSecond, p50Ms, p99Ms, errors, hits }): BenchFigure[] => [
    {
      id: `${name}: requests a second`,
      value: perSecond,
      unit: 'requests/s',
      target: TARGETS.requests,
      bound: '≥',
    },
    { id: `${name}: requests a second ÷ without Sluice`, value: perSecond / bare.perSecond, unit: '×' },
    { id: `${name}: p50`, value: p50Ms, unit: 'ms' },
    { id: `${name}: p99`, value: p99Ms, unit: 'ms' },
    { id: `${name}: reads served from the cache`, value: hits, unit: '%', target: TARGETS.hits, bound: '≥' },
    { id: `${name}: requests that failed`, value: errors, unit: 'requests', target: 0 },
    {
      id: `${name}: responses that differ without Sluice`,
      value: differences.get(name) ?? 0,
      unit: 'answers',
      target: 0,
    },
  ])
}

/** The scaling decisions for each second of a load, without executing them. */
async function decisionsOf(app: App, traffic: Traffic, seconds: number): Promise<readonly ScalingEvent[]> {
  const capacity = perSecond(app.rounds[0] as Load) / WORKERS
  const sluice = createSluice({
    monitor: {
      scaling: {
        minWorkers: WORKERS,
        maxWorkers: 8,
        intervalMs: 1_000,
        rule: { capacity, startUpSeconds: 2 },
      },
    },
  })
  const { monitor } = sluice
  if (monitor === undefined) throw new Error('Monitoring is enabled.')
  const load = wrk(app.workers.origin, traffic, { connections: CONNECTIONS, seconds, seed: DECISIONS_SEED })
  try {
    let asked = (await app.workers.counts()).requests
    for (let second = 0; second < seconds; second += 1) {
      await sleep(1_000)
      const { requests } = await app.workers.counts()
      monitor.recordLoad(requests - asked, CONNECTIONS)
      asked = requests
    }
    return monitor.getScalingHistory()
  } finally {
    await load
    await sluice.close()
  }
}

async function main(): Promise<void> {
  const [rounds, seconds] = quick ? [1, 4] : [5, 8]
  await loadData({ kind: 'sqlite', file: DEFAULT_FILE }, createProgress())
  const traffic = await planTraffic(DEFAULT_FILE)
  const redis = await startRedisServer()
  const apps: App[] = []
  try {
    apps.push(await openApp('without Sluice', redis.url))
    apps.push(await openApp('Sluice, bounded', redis.url, 'bounded'))
    if (!quick) apps.push(await openApp('Sluice, strict', redis.url, 'strict'))
    if (!json) {
      console.log(
        `Node ${process.version}; atlas on ${WORKERS} workers, SQLite and Redis; ${CONNECTIONS.toLocaleString('en')} connections; ${TRAFFIC}`,
      )
      console.log(
        `Medians of ${rounds} interleaved rounds of ${seconds} s, after ${WARM_UP_SECONDS} s to warm up; all on this machine, wrk too\n`,
      )
    }
    for (const app of apps) await drive(app, traffic, WARM_UP_SECONDS, 1)
    for (let round = 0; round < rounds; round += 1)
      for (const app of apps) app.rounds.push(await drive(app, traffic, seconds, 2 + round))
    const summaries = apps.map(summaryOf)
    const measured = apps.at(1)
    const decisions = measured === undefined ? [] : await decisionsOf(measured, traffic, seconds)
    await sleep(SETTLE_MS)
    const paths = [...new Set(traffic.popular)].slice(0, VERIFIED)
    const differences = new Map<string, number>()
    for (const { name, workers, copy } of apps)
      differences.set(name, await differencesOf(workers.origin, fileOf(copy), paths))
    const figures = figuresOf(summaries, differences)
    if (json) {
      for (const figure of figures) console.log(toJson(figure, 'load'))
      return
    }
    console.log(
      `  ${' '.repeat(18)}${['requests/s', 'p50 ms', 'p99 ms', 'failed', 'hits', 'statements', 'CPU µs', 'RSS MB'].map((cell) => cell.padStart(12)).join('')}`,
    )
    for (const summary of summaries) print(summary)
    console.log(`\nScaling decisions, not executed (${measured?.name}):`)
    for (const { from, to, reasons } of decisions)
      console.log(`  ${from} → ${to} workers: ${reasons.join(' ')}`)
    if (decisions.length === 0) console.log('  nothing')
    console.log()
    printFigures(figures)
  } finally {
    for (const { workers, copy } of apps) {
      await workers.stop()
      copy.remove()
    }
    await redis.stop()
  }
}

await main().catch(endWithout)
