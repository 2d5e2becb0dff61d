import { describe, expect, it } from 'vitest'
import { LoadBalancingEngine } from '../../src/balancing/load-balancing-engine.ts'
import {
  hostsOf,
  regions,
  type Servers,
  type SimulatedServer,
  type Simulation,
  simulate,
} from './regions-world.ts'

const balancerOf: Simulation['balancerOf'] = ({ name, rttMs }, parts) => {
  const balancer = new LoadBalancingEngine({ strategy: 'peak-ewma', region: { local: name, rttMs } }, parts)
  for (const region of regions)
    for (const host of hostsOf(region.name)) balancer.registerNode(host, 80, { region: region.name })
  return balancer
}

const A = hostsOf('a')
const change = (hosts: readonly string[], of: (server: SimulatedServer) => void) => (servers: Servers) => {
  for (const host of hosts) of(servers.get(`${host}:80`) as SimulatedServer)
}
const become = (hosts: readonly string[], state: SimulatedServer['state']) =>
  change(hosts, (server) => {
    server.state = state
  })
const slowDown = (hosts: readonly string[], slowness: number) =>
  change(hosts, (server) => {
    server.slowness = slowness
  })
const restart = (hosts: readonly string[]) => change(hosts, (server) => server.restart())
const flapping = [20, 30, 40, 50, 60, 70].flatMap(
  (second) =>
    [
      [second, become(A, 'killed')],
      [second + 5, restart(A)],
    ] as const,
)

interface Row {
  readonly name: string
  readonly events?: NonNullable<Simulation['events']>
  readonly load?: NonNullable<Simulation['load']>
  /** Seconds. */
  readonly from: number
  readonly to: number
  /** The share of A's requests that is served in A, and their mean time in milliseconds. */
  readonly share: number
  readonly meanMs: number
  /** The share of all requests that is served at home, and their mean time in milliseconds. */
  readonly allShare?: number
  readonly allMeanMs?: number
}

const rows: readonly Row[] = [
  { name: 'all nodes are up', from: 10, to: 60, share: 1, meanMs: 11.4 },
  {
    name: 'a node of A is killed',
    events: [[20, become(['a1'], 'killed')]],
    from: 20,
    to: 90,
    share: 1,
    meanMs: 13.3,
  },
  {
    name: '2 nodes of A are killed',
    events: [[20, become(['a1', 'a2'], 'killed')]],
    from: 20,
    to: 90,
    share: 0.7,
    meanMs: 23.6,
  },
  {
    name: 'a node of A is 10 times as slow',
    events: [[20, slowDown(['a1'], 10)]],
    from: 20,
    to: 90,
    share: 1,
    meanMs: 14.6,
  },
  {
    name: 'A is 3 times as slow',
    events: [[20, slowDown(A, 3)]],
    from: 20,
    to: 90,
    share: 0.53,
    meanMs: 45.7,
  },
  {
    name: 'A does not respond',
    events: [[20, become(A, 'lost')]],
    from: 20,
    to: 90,
    share: 0,
    meanMs: 75,
    allShare: 0.667,
    allMeanMs: 40,
  },
  {
    name: 'A responds again',
    events: [
      [20, become(A, 'lost')],
      [45, restart(A)],
    ],
    from: 45,
    to: 90,
    share: 0.97,
    meanMs: 13.1,
  },
  {
    name: 'A is down for 5 s and up for 5 s, 6 times',
    events: flapping,
    from: 20,
    to: 90,
    share: 0.39,
    meanMs: 46,
  },
  {
    name: 'A has twice the load',
    load: (second, region) => (region === 'a' && second > 20 && second < 60 ? 2 : 1),
    from: 20,
    to: 60,
    share: 0.84,
    meanMs: 43,
  },
  {
    name: 'A has its usual load again',
    load: (second, region) => (region === 'a' && second > 20 && second < 50 ? 2 : 1),
    from: 50,
    to: 90,
    share: 1,
    meanMs: 11.4,
  },
]

/** Three zones of one region. */
const zones = regions.map(({ name, rttMs }) => ({
  name,
  rttMs: Object.fromEntries(Object.keys(rttMs).map((zone) => [zone, zone === name ? 0.5 : 1.5])),
}))
const zonedBalancerOf =
  (stay: number): Simulation['balancerOf'] =>
  ({ name }, parts) => {
    const balancer = new LoadBalancingEngine(
      { strategy: 'peak-ewma', region: { local: 'eu', zone: name, stay } },
      parts,
    )
    for (const { name: zone } of zones)
      for (const host of hostsOf(zone)) balancer.registerNode(host, 80, { region: 'eu', zone })
    return balancer
  }

describe('RegionPicker', () => {
  it.each(rows)(
    'serves requests of A where they are fastest when $name',
    ({ share, meanMs, allShare = 0.8, allMeanMs = 30, from, to, ...row }) => {
      const { requests, balancers, drain } = simulate({ balancerOf, seconds: to, ...row })
      const [own, all] = [requests.figures(from, to, 'a'), requests.figures(from, to)]
      expect(own.share).toBeGreaterThanOrEqual(share - 0.03)
      expect(own.meanMs).toBeLessThanOrEqual(meanMs * 1.1)
      expect(own.failed).toBeLessThanOrEqual(0.001)
      expect(all.share).toBeGreaterThanOrEqual(allShare - 0.03)
      expect(all.meanMs).toBeLessThanOrEqual(allMeanMs)
      drain()
      for (const balancer of balancers.values())
        expect(balancer.nodes.filter(({ activeConnections }) => activeConnections !== 0)).toEqual([])
    },
  )

  it.each([
    { name: 'all nodes are up', stay: 1, events: [], share: 0.9, meanMs: 11.5 },
    { name: 'leaving the zone is expensive', stay: 2, events: [], share: 0.999, meanMs: 11.7 },
    { name: 'A is lost', stay: 1, events: [[10, become(A, 'lost')] as const], share: 0, meanMs: 19 },
    { name: 'A is slow', stay: 1, events: [[10, slowDown(A, 3)] as const], share: 0.1, meanMs: 19 },
  ])('serves requests of zone A where they are fastest when $name', ({ stay, share, meanMs, events }) => {
    const { requests } = simulate({ balancerOf: zonedBalancerOf(stay), places: zones, seconds: 60, events })
    const figures = requests.figures(10, 60, 'a')
    expect(figures.share).toBeGreaterThanOrEqual(share)
    expect(figures.meanMs).toBeLessThanOrEqual(meanMs)
    expect(figures.failed).toBeLessThanOrEqual(0.001)
  })
})
