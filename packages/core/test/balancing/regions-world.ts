import type { LoadBalancingEngine } from '../../src/balancing/load-balancing-engine.ts'
import type { Clock } from '../../src/shared/clock.ts'
import type { RandomSource } from '../../src/shared/random.ts'
import { seeded } from './balancing-world.ts'
import { Timeline } from './timeline.ts'

/** The part of a balancer that a simulated proxy uses. */
export type SimulatedBalancer = Pick<
  LoadBalancingEngine,
  'acquire' | 'recordRequest' | 'updateNodeHealth' | 'nodes'
>

export interface SimulatedRegion {
  readonly name: string
  /** Milliseconds, there and back. */
  readonly rttMs: Readonly<Record<string, number>>
}

export const regions: readonly SimulatedRegion[] = [
  { name: 'a', rttMs: { a: 1, b: 30, c: 80 } },
  { name: 'b', rttMs: { a: 30, b: 1, c: 60 } },
  { name: 'c', rttMs: { a: 80, b: 60, c: 1 } },
]
/** Hosts of the nodes of a region; their port is 80. */
export const hostsOf = (region: string): string[] => [1, 2, 3, 4].map((at) => `${region}${at}`)

const WORKERS = 4
const MEAN_MS = 10
const LOAD = 0.6
/** Requests per millisecond of the clients of a region. */
const RATE = (LOAD * 4 * WORKERS) / MEAN_MS
/** Timeout of a connection, and of a response. */
const TIMEOUT_MS = 1_000
const MAX_ATTEMPTS = 3
const PROBE_MS = 1_000

/**
 * A server with several workers. Its queue has no limit, and it finishes work that no client waits for, as
 * Node servers do.
 */
export class SimulatedServer {
  /** `killed`: refuses connections. `lost`: does not respond to them. */
  state: 'up' | 'killed' | 'lost' = 'up'
  slowness = 1
  #waiting: (() => void)[] = []
  #busy = 0

  constructor(
    private readonly timeline: Timeline,
    private readonly random: RandomSource,
  ) {}

  serve(done: (isAnswered: boolean) => void): void {
    const work = () => {
      this.#busy += 1
      this.timeline.after(-Math.log(1 - this.random()) * MEAN_MS * this.slowness, () => {
        this.#busy -= 1
        this.#waiting.shift()?.()
        done(this.state === 'up')
      })
    }
    if (this.#busy < WORKERS) work()
    else this.#waiting.push(work)
  }

  restart(): void {
    this.state = 'up'
    this.#waiting = []
  }
}

export type Servers = ReadonlyMap<string, SimulatedServer>

export interface Simulation {
  readonly balancerOf: (
    region: SimulatedRegion,
    parts: { readonly clock: Clock; readonly random: RandomSource },
  ) => SimulatedBalancer
  /** Changes of servers after so many seconds. */
  readonly events?: readonly (readonly [second: number, happen: (servers: Servers) => void])[]
  /** Factor of the requests of a region's clients. */
  readonly load?: (second: number, region: string) => number
  readonly seconds: number
  readonly seed?: number
  /** @defaultValue `regions` */
  readonly places?: readonly SimulatedRegion[]
}

interface Sample {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly ms: number
  readonly isFailed: boolean
}

/** Requests of a region's clients in a period. */
export interface RegionFigures {
  /** Share that was served in the region, 0 to 1. */
  readonly share: number
  /** Milliseconds of those that were served. */
  readonly meanMs: number
  readonly p99Ms: number
  /** Share that failed, 0 to 1. */
  readonly failed: number
}

/** The requests of a simulation. */
class SimulatedRequests {
  readonly #samples: Sample[] = []

  add(sample: Sample): void {
    this.#samples.push(sample)
  }

  /** @param region - `undefined`: of all regions. */
  figures(from: number, to: number, region?: string): RegionFigures {
    const all = this.#samples.filter(
      (one) => one.at >= from * 1_000 && one.at < to * 1_000 && (region === undefined || one.from === region),
    )
    const times = all.flatMap(({ isFailed, ms }) => (isFailed ? [] : [ms])).sort((a, b) => a - b)
    return {
      share: all.filter((one) => one.from === one.to && !one.isFailed).length / all.length,
      meanMs: times.reduce((sum, ms) => sum + ms, 0) / times.length,
      p99Ms: times[Math.floor(times.length * 0.99)] ?? Number.NaN,
      failed: 1 - times.length / all.length,
    }
  }
}

/** A proxy in each region sends its clients' requests to nodes of all regions. */
export function simulate({
  balancerOf,
  events = [],
  load = () => 1,
  seconds,
  seed = 7,
  places = regions,
}: Simulation) {
  const timeline = new Timeline()
  const { clock } = timeline
  clock.ms = 0
  const random = seeded(seed)
  const servers = new Map<string, SimulatedServer>(
    places.flatMap(({ name }) =>
      hostsOf(name).map((host) => [`${host}:80`, new SimulatedServer(timeline, random)] as const),
    ),
  )
  const requests = new SimulatedRequests()
  const balancers = new Map<string, SimulatedBalancer>()
  const endsAt = seconds * 1_000
  for (const region of places) {
    const balancer = balancerOf(region, { clock, random })
    balancers.set(region.name, balancer)
    probe(balancer, servers, timeline, random)
    const send = () => {
      request(region, balancer)
      const rate = RATE * load(clock.ms / 1_000, region.name)
      timeline.after(-Math.log(1 - random()) / rate, () => {
        if (clock.ms < endsAt) send()
      })
    }
    timeline.after(random(), send)
  }
  for (const [second, happen] of events) timeline.after(second * 1_000, () => happen(servers))

  function request({ name, rttMs }: SimulatedRegion, balancer: SimulatedBalancer): void {
    const startedAt = clock.ms
    const end = (to: string, isFailed: boolean) =>
      requests.add({ at: startedAt, from: name, to, ms: clock.ms - startedAt, isFailed })
    const attempt = (attempts: number, except: SimulatedBalancer['nodes'][number] | undefined) => {
      const lease = balancer.acquire(undefined, except === undefined ? {} : { except })
      if (lease === null) return end('', true)
      const { node } = lease
      const server = servers.get(node.id) as SimulatedServer
      const to = node.host.slice(0, 1)
      const wayMs = rttMs[to] as number
      const sentAt = clock.ms
      let isOver = false
      const finish = (status: number) => {
        if (isOver) return
        isOver = true
        lease.release()
        balancer.recordRequest(node.id, clock.ms - sentAt, status)
        if (status === 0 && attempts < MAX_ATTEMPTS) attempt(attempts + 1, node)
        else end(to, status !== 200)
      }
      if (server.state === 'killed') timeline.after(wayMs, () => finish(0))
      else if (server.state === 'lost') timeline.after(TIMEOUT_MS, () => finish(0))
      else {
        timeline.after(wayMs / 2, () =>
          server.serve((isAnswered) => timeline.after(wayMs / 2, () => finish(isAnswered ? 200 : 0))),
        )
        timeline.after(TIMEOUT_MS, () => finish(504))
      }
    }
    attempt(1, undefined)
  }

  timeline.until(endsAt)
  return {
    requests,
    balancers,
    /** Ends the requests in flight. */
    drain: () => timeline.until(endsAt + 60_000),
  }
}

/** Health checks: a node is up or down after 2 of them. */
function probe(
  balancer: SimulatedBalancer,
  servers: Servers,
  timeline: Timeline,
  random: RandomSource,
): void {
  const changing = new Set<string>()
  const ask = () => {
    for (const { id, status } of balancer.nodes) {
      const isUp = servers.get(id)?.state === 'up'
      if (isUp === (status !== 'unhealthy')) changing.delete(id)
      else if (changing.delete(id)) balancer.updateNodeHealth(id, isUp ? 'healthy' : 'unhealthy')
      else changing.add(id)
    }
    timeline.after(PROBE_MS, ask)
  }
  timeline.after(random() * PROBE_MS, ask)
}
