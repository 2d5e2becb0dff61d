// The round figures of the original specification, each measured on the real thing. Sluice's own targets are
// stricter: see the other benchmarks.

import { endWithout } from '../services/end-without.ts'
import { startPostgres } from '../services/postgres.ts'
import { startRedisServer } from '../services/redis-server.ts'
import { pickFigures } from './balancing/picks.ts'
import { type BenchFigure, printFigures, toJson } from './database/report.ts'
import { benchOptions } from './harness.ts'
import { readingFigures } from './specified/readings.ts'
import { jobFigures, metricFigures } from './specified/work.ts'

const { json, quick } = benchOptions()

/** The worst result of all strategies and numbers of nodes. */
async function balancingFigures(): Promise<BenchFigure[]> {
  const all = await pickFigures(quick ? 1 : 5)
  const picks = all.filter(({ unit }) => unit === 'µs').map(({ value }) => value / 1_000)
  const shares = all.filter(({ id }) => /least share of a node|^.*: the greatest$/.test(id))
  const of = (bound: '≥' | '≤') =>
    shares.filter((one) => (one.bound ?? '≤') === bound).map(({ value }) => value)
  const met = all.find(({ id }) => id === 'sessions that met their node')
  return [
    { id: 'choosing a node, with any strategy', value: Math.max(...picks), unit: 'ms', target: 1 },
    {
      id: 'the least share of a node, relative to fair',
      value: Math.min(...of('≥')),
      unit: '%',
      target: 97,
      bound: '≥',
    },
    {
      id: 'the greatest share of a node, relative to fair',
      value: Math.max(...of('≤')),
      unit: '%',
      target: 103,
    },
    ...(met === undefined ? [] : [met]),
  ]
}

async function main(): Promise<void> {
  const calls = quick ? 1_000 : 5_000
  const [postgres, redis] = [await startPostgres(), await startRedisServer()]
  try {
    const figures = [
      ...(await readingFigures(postgres.url, redis.url, calls)),
      ...(await balancingFigures()),
      ...(await jobFigures(quick ? 2_000 : 10_000)),
      ...(await metricFigures(100_000)),
    ]
    if (json) for (const figure of figures) console.log(toJson(figure, 'specified'))
    else {
      console.log(`Node ${process.version}; PostgreSQL, Redis and SQLite on this machine`)
      printFigures(figures)
      console.log(
        '\nRequests a second over 1,000 connections and hits of the example: pnpm bench:load. Forecasts: pnpm bench:forecast.',
      )
    }
  } finally {
    await redis.stop()
    await postgres.stop()
  }
}

await main().catch(endWithout)
