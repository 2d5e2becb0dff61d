import { describe, expect, it } from 'vitest'
import { LoadBalancingEngine } from '../../src/balancing/load-balancing-engine.ts'
import type { BalancingStrategy } from '../../src/balancing/strategies/create-picker.ts'
import { seeded } from './balancing-world.ts'
import { Timeline } from './timeline.ts'

/** The worker threads of a node; additional requests wait in its queue. */
const WORKERS = 8
const MEAN_MS = 10

/** A server with several workers and a queue. */
class SimulatedServer {
  readonly #waiting: (() => void)[] = []
  #busy = 0

  constructor(
    private readonly timeline: Timeline,
    private readonly random: () => number,
  ) {}

  serve(done: () => void): void {
    const work = () => {
      this.#busy += 1
      this.timeline.after(-Math.log(1 - this.random()) * MEAN_MS, () => {
        this.#busy -= 1
        this.#waiting.shift()?.()
        done()
      })
    }
    if (this.#busy < WORKERS) work()
    else this.#waiting.push(work)
  }
}

/** Clients that each send the next request after the response to the last, for 1 minute. */
function run(strategy: BalancingStrategy, nodes: number, seed = 1) {
  const timeline = new Timeline()
  const random = seeded(seed)
  const balancer = new LoadBalancingEngine(strategy, { clock: timeline.clock, random: seeded(seed + 1_000) })
  const servers = new Map<string, SimulatedServer>()
  for (let at = 0; at < nodes; at += 1) {
    servers.set(balancer.registerNode(`n${at}`, 80).id, new SimulatedServer(timeline, random))
  }
  let served = 0
  const send = (client: number) => {
    const lease = balancer.acquire(`10.0.${client >> 8}.${client & 255}`)
    if (lease === null) throw new Error('No node has room.')
    const startedAt = timeline.clock.ms
    servers.get(lease.node.id)?.serve(() => {
      served += 1
      balancer.recordRequest(lease.node.id, timeline.clock.ms - startedAt, 200)
      lease.release()
      send(client)
    })
  }
  // 1.5 requests per worker keep all workers busy only if requests are distributed evenly.
  for (let client = 0; client < nodes * WORKERS * 1.5; client += 1)
    timeline.after(random(), () => send(client))
  const endsAt = timeline.clock.ms + 60_000
  timeline.until(endsAt)
  const picks = balancer.nodes.map(({ id }) => balancer.getNodeStats(id).picks)
  return { served, imbalance: Math.max(...picks) / Math.min(...picks) }
}

describe('four simulated nodes', () => {
  it.each<[BalancingStrategy, number, number]>([
    ['least-connections', 3.95, 1.03],
    ['peak-ewma', 3.95, 1.03],
    ['p2c', 3.95, 1.03],
    ['round-robin', 3.7, 1.001],
    ['weighted', 3.7, 1.001],
  ])('serve almost 4 times as many requests as one node with %s', (strategy, factor, imbalance) => {
    const one = run(strategy, 1)
    const four = run(strategy, 4)
    expect(four.served / one.served).toBeGreaterThanOrEqual(factor)
    expect(four.imbalance).toBeLessThanOrEqual(imbalance)
  })
})
