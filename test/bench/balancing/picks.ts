import { type BalancingStrategy, LoadBalancingEngine, type RegionOptions } from '@sluice/core'
import type { BenchFigure } from '../database/report.ts'
import { median } from '../harness.ts'

const STRATEGIES: readonly BalancingStrategy[] = [
  'round-robin',
  'weighted',
  'least-connections',
  'p2c',
  'peak-ewma',
  'random',
  'ip-hash',
]
const OPEN = 64

const REGIONS = ['a', 'b', 'c']

function balancerOf(strategy: BalancingStrategy, nodes: number, region?: RegionOptions): LoadBalancingEngine {
  const balancer = new LoadBalancingEngine({ strategy, maxSessions: 1_000, ...(region && { region }) })
  for (let at = 0; at < nodes; at += 1)
    balancer.registerNode(`10.0.${at >> 8}.${at & 255}`, 80, {
      maxConnections: 1_000_000,
      region: REGIONS[at % 3] as string,
    })
  return balancer
}

const clients = Array.from({ length: 20_000 }, (_, at) => `10.${at % 251}.${(at * 7) % 253}.${at % 256}`)

/** Microseconds to acquire and release a node, with 64 open requests. */
function pickUs(strategy: BalancingStrategy, nodes: number, rounds: number, region?: RegionOptions): number {
  const balancer = balancerOf(strategy, nodes, region)
  const open = Array.from({ length: OPEN }, (_, at) => balancer.acquire(clients[at]))
  const times: number[] = []
  for (let round = 0; round < rounds + 2; round += 1) {
    const picks = 20_000
    const startedAt = performance.now()
    for (let at = 0; at < picks; at += 1) {
      open[at % OPEN]?.release()
      open[at % OPEN] = balancer.acquire(clients[at])
    }
    if (round >= 2) times.push(((performance.now() - startedAt) * 1_000) / picks)
  }
  return median(times)
}

/**
 * The least and the greatest share of a node, in percent of the fair share: 10,000 picks, 10 nodes, requests
 * of equal duration.
 */
function spread(strategy: BalancingStrategy): readonly [least: number, most: number] {
  const balancer = balancerOf(strategy, 10)
  const open = Array.from({ length: OPEN }, () => balancer.acquire())
  for (let at = 0; at < 10_000 - OPEN; at += 1) {
    open[at % OPEN]?.release()
    open[at % OPEN] = balancer.acquire()
  }
  const ratios = balancer.getBalancingEfficiency().nodes.map(({ ratio }) => ratio * 100)
  return [Math.min(...ratios), Math.max(...ratios)]
}

/** Percent of 100,000 picks in which 1,000 sessions met their node while others came and went. */
async function affinity(): Promise<number> {
  const balancer = balancerOf('peak-ewma', 20)
  const homes = Array.from({ length: 1_000 }, (_, at) => {
    const home = `10.0.0.${at % 10}:80`
    balancer.setSessionAffinity(`s${at}`, home)
    return home
  })
  let met = 0
  for (let at = 0; at < 100_000; at += 1) {
    if (at % 500 === 0)
      balancer.updateNodeHealth(
        `10.0.0.${10 + ((at / 500) % 9)}:80`,
        at % 1_000 === 0 ? 'unhealthy' : 'healthy',
      )
    if (at % 5_000 === 0) {
      await balancer.removeNode('10.0.0.19:80')
      balancer.registerNode('10.0.0.19', 80)
    }
    if (balancer.selectNode(undefined, { sessionId: `s${at % 1_000}` })?.id === homes[at % 1_000]) met += 1
  }
  return met / 1_000
}

/** The cost of a choice, and how evenly nodes are chosen. */
export async function pickFigures(rounds: number): Promise<BenchFigure[]> {
  const figures: BenchFigure[] = []
  for (const strategy of STRATEGIES) {
    for (const nodes of [10, 100, 1_000]) {
      const value = pickUs(strategy, nodes, rounds)
      figures.push({
        id: `${strategy}: acquire and release, of ${nodes} nodes`,
        value,
        unit: 'µs',
        ...(nodes === 100 ? { target: 1 } : {}),
      })
    }
  }
  const region = { local: 'a', rttMs: { b: 30, c: 80 } }
  for (const nodes of [12, 100, 999]) {
    figures.push({
      id: `peak-ewma in regions: acquire and release, of ${nodes} nodes`,
      value: pickUs('peak-ewma', nodes, rounds, region),
      unit: 'µs',
      ...(nodes === 100 ? { target: 1 } : {}),
    })
  }
  for (const strategy of ['round-robin', 'weighted', 'least-connections'] as const) {
    const [least, most] = spread(strategy)
    figures.push({
      id: `${strategy}: the least share of a node, relative to fair`,
      value: least,
      unit: '%',
      target: 97,
      bound: '≥',
    })
    figures.push({ id: `${strategy}: the greatest`, value: most, unit: '%', target: 103 })
  }
  const [least, most] = spread('p2c')
  figures.push({ id: 'p2c: the greatest share over the least', value: most / least, unit: '×', target: 1.1 })
  figures.push({
    id: 'sessions that met their node',
    value: await affinity(),
    unit: '%',
    target: 100,
    bound: '≥',
  })
  return figures
}
