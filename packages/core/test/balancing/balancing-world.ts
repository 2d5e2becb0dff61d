import { LoadBalancingEngine } from '../../src/balancing/load-balancing-engine.ts'
import type { LoadBalancingOptions } from '../../src/balancing/load-balancing-options.ts'
import type { BalancingStrategy } from '../../src/balancing/strategies/create-picker.ts'
import { FakeClock } from '../helpers.ts'

/** A random source that returns the same numbers each time. Source: mulberry32. */
export function seeded(seed = 1): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A balancer with nodes `n1:80`, `n2:80`, … of these weights, with a fixed clock. */
export function balancerOf(
  options: BalancingStrategy | LoadBalancingOptions,
  weights: readonly number[],
  { maxConnections = 1_000_000, seed = 1 } = {},
) {
  const clock = new FakeClock()
  const balancer = new LoadBalancingEngine(options, { clock, random: seeded(seed) })
  for (const [at, weight] of weights.entries())
    balancer.registerNode(`n${at + 1}`, 80, weight, maxConnections)
  const events: string[] = []
  for (const event of [
    'ejected',
    'reinstated',
    'panic',
    'statusChanged',
    'nodeAdded',
    'nodeRemoved',
    'draining',
    'strategyChanged',
  ] as const) {
    balancer.on(event, (payload) => {
      events.push(
        `${event}${'node' in payload ? ` ${payload.node.id}` : ''}${'reason' in payload ? ` ${payload.reason}` : ''}`,
      )
    })
  }
  return { balancer, clock, events }
}

/** The number of picks of each node, by ID. */
export function picksOf(
  balancer: LoadBalancingEngine,
  times: number,
  client: (at: number) => string | undefined = () => undefined,
) {
  const counts: Record<string, number> = Object.fromEntries(balancer.nodes.map(({ id }) => [id, 0]))
  for (let at = 0; at < times; at += 1) {
    const node = balancer.selectNode(client(at))
    if (node !== null) counts[node.id] = (counts[node.id] ?? 0) + 1
  }
  return counts
}
