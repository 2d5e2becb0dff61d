import { LoadBalancingEngine, type NodeLease, type ServerNode } from '@sluice/core'
import {
  hostsOf,
  type RegionFigures,
  regions,
  type Servers,
  type SimulatedBalancer,
  type SimulatedServer,
  type Simulation,
  simulate,
} from '../../../packages/core/test/balancing/regions-world.ts'
import type { BenchFigure } from '../database/report.ts'

type Parts = Parameters<Simulation['balancerOf']>[1]

/** One balancer for all nodes, which does not distinguish regions. */
function flat(parts: Parts): SimulatedBalancer {
  const balancer = new LoadBalancingEngine('peak-ewma', parts)
  for (const { name } of regions) for (const host of hostsOf(name)) balancer.registerNode(host, 80)
  return balancer
}

function near(local: string, rttMs: Readonly<Record<string, number>>, parts: Parts): SimulatedBalancer {
  const balancer = new LoadBalancingEngine({ strategy: 'peak-ewma', region: { local, rttMs } }, parts)
  for (const { name } of regions)
    for (const host of hostsOf(name)) balancer.registerNode(host, 80, { region: name })
  return balancer
}

const OVERPROVISIONING = 1.4

/**
 * Envoy's priority levels: the nearest region, unless too many of its nodes have failed. It looks at health
 * only.
 */
class HealthPriority implements SimulatedBalancer {
  readonly #levels: readonly { readonly balancer: LoadBalancingEngine; readonly ejected: Set<string> }[]
  readonly #byNode = new Map<string, LoadBalancingEngine>()

  constructor(
    rttMs: Readonly<Record<string, number>>,
    private readonly parts: Parts,
  ) {
    this.#levels = Object.keys(rttMs)
      .sort((a, b) => (rttMs[a] ?? 0) - (rttMs[b] ?? 0))
      .map((region) => {
        const balancer = new LoadBalancingEngine('peak-ewma', parts)
        const ejected = new Set<string>()
        balancer.on('ejected', ({ node }) => ejected.add(node.id))
        balancer.on('reinstated', ({ node }) => ejected.delete(node.id))
        for (const host of hostsOf(region)) this.#byNode.set(balancer.registerNode(host, 80).id, balancer)
        return { balancer, ejected }
      })
  }

  get nodes(): readonly ServerNode[] {
    return this.#levels.flatMap(({ balancer }) => balancer.nodes)
  }

  acquire(...given: Parameters<SimulatedBalancer['acquire']>): NodeLease | null {
    for (const { balancer, ejected } of this.#levels) {
      const up = balancer.nodes.filter(({ id, status }) => status === 'healthy' && !ejected.has(id)).length
      const isPassed = this.parts.random() >= (OVERPROVISIONING * up) / balancer.nodes.length
      const lease = isPassed ? null : balancer.acquire(...given)
      if (lease !== null) return lease
    }
    for (const { balancer } of this.#levels) {
      const lease = balancer.acquire(...given)
      if (lease !== null) return lease
    }
    return null
  }

  recordRequest(...[id, ms, status]: Parameters<SimulatedBalancer['recordRequest']>): void {
    this.#byNode.get(id)?.recordRequest(id, ms, status)
  }

  updateNodeHealth(...[id, status]: Parameters<SimulatedBalancer['updateNodeHealth']>): void {
    this.#byNode.get(id)?.updateNodeHealth(id, status)
  }
}

const contenders: Readonly<Record<string, Simulation['balancerOf']>> = {
  'sluice, by region': ({ name, rttMs }, parts) => near(name, rttMs, parts),
  'near first by health, as Envoy': ({ rttMs }, parts) => new HealthPriority(rttMs, parts),
  'peak-ewma over all nodes': (_region, parts) => flat(parts),
}

const A = hostsOf('a')
const FROM_SECONDS = 10

function onA(change: (server: SimulatedServer) => void): (servers: Servers) => void {
  return (servers) => {
    for (const host of A) change(servers.get(`${host}:80`) as SimulatedServer)
  }
}

const kill = onA((server) => {
  server.state = 'killed'
})
const restart = onA((server) => server.restart())

function scenarios(seconds: number): Readonly<Record<string, Simulation['events']>> {
  const flaps = Array.from({ length: Math.floor((seconds - FROM_SECONDS) / 10) }, (_, at) => [
    [FROM_SECONDS + 10 * at, kill] as const,
    [FROM_SECONDS + 10 * at + 5, restart] as const,
  ])
  const slow = onA((server) => {
    server.slowness = 3
  })
  const lose = onA((server) => {
    server.state = 'lost'
  })
  return {
    'all nodes are up': [],
    'a region is 3 times as slow': [[FROM_SECONDS, slow]],
    'a region is lost': [[FROM_SECONDS, lose]],
    'a region is down for 5 s of 10 s': flaps.flat(),
  }
}

/** Targets of the balancer by region: of the requests of the affected region, and of all requests. */
const TARGETS: Readonly<Record<string, readonly [local: number, allLocal: number, addedMs: number]>> = {
  'all nodes are up': [97, 97, 1.2],
  'a region is 3 times as slow': [50, 80, 39],
  'a region is lost': [0, 63, 71],
  'a region is down for 5 s of 10 s': [31, 75, 42],
}

/**
 * Three regions with 4 nodes each, in virtual time: the share of the requests that are served in their own
 * region, the latency that is added to a request of 10 ms, and failed requests.
 */
export function regionFigures(seconds: number): BenchFigure[] {
  const figures: BenchFigure[] = []
  for (const [scenario, events] of Object.entries(scenarios(seconds))) {
    for (const [contender, balancerOf] of Object.entries(contenders)) {
      const { requests } = simulate({ balancerOf, seconds, ...(events && { events }) })
      const [own, all] = [
        requests.figures(FROM_SECONDS, seconds, 'a'),
        requests.figures(FROM_SECONDS, seconds),
      ]
      figures.push(
        ...rows(
          `${scenario}, ${contender}`,
          own,
          all,
          contender === 'sluice, by region' ? TARGETS[scenario] : undefined,
        ),
      )
    }
  }
  return figures
}

const UNLOADED_MS = 11

function rows(
  id: string,
  own: RegionFigures,
  all: RegionFigures,
  targets: readonly [number, number, number] | undefined,
): readonly BenchFigure[] {
  const [local, allLocal, addedMs] = targets ?? []
  const atLeast = (target: number | undefined) =>
    target === undefined ? {} : { target, bound: '≥' as const }
  const atMost = (target: number | undefined) => (target === undefined ? {} : { target })
  return [
    { id: `${id}: served at home`, value: own.share * 100, unit: '%', ...atLeast(local) },
    { id: `${id}: added latency`, value: own.meanMs - UNLOADED_MS, unit: 'ms', ...atMost(addedMs) },
    { id: `${id}: failed`, value: own.failed * 100, unit: '%', ...atMost(targets && 0.1) },
    { id: `${id}: of all regions, served at home`, value: all.share * 100, unit: '%', ...atLeast(allLocal) },
    { id: `${id}: of all regions, failed`, value: all.failed * 100, unit: '%', ...atMost(targets && 0.1) },
  ]
}
