import { describe, expect, it } from 'vitest'
import type { NodeLease } from '../../../src/balancing/load-balancing-engine.ts'
import type { ServerNode } from '../../../src/balancing/node-state.ts'
import {
  type BalancingStrategy,
  balancingStrategies,
} from '../../../src/balancing/strategies/create-picker.ts'
import { balancerOf, picksOf, seeded } from '../balancing-world.ts'

const TIMES = 10_000
const client = (at: number) => `10.${at % 251}.${(at * 7) % 253}.${at % 256}`

/** Picks with 64 open requests that end in order or randomly. */
function open(
  strategy: BalancingStrategy,
  weights: readonly number[],
  ends: 'in order' | 'by chance',
  times = TIMES,
) {
  const { balancer } = balancerOf(strategy, weights)
  const random = seeded(7)
  const leases: NodeLease[] = []
  for (let at = 0; at < times; at += 1) {
    const lease = balancer.acquire(client(at))
    if (lease !== null) leases.push(lease)
    if (leases.length > 64)
      leases.splice(ends === 'in order' ? 0 : Math.floor(random() * leases.length), 1)[0]?.release()
  }
  return balancer.getBalancingEfficiency()
}

describe('distribution of requests by strategy', () => {
  it.each<[BalancingStrategy, number[]]>([
    ['round-robin', [1, 1, 1, 1]],
    ['round-robin', [1, 5, 1]],
    ['weighted', [1, 1, 1, 1]],
    ['weighted', [5, 3, 2]],
    ['weighted', [100, 1, 1, 10]],
    ['weighted', [0.1, 0.7, 0.2]],
    ['least-connections', [1, 1, 1, 1]],
    ['least-connections', Array.from({ length: 100 }, () => 1)],
  ])('%s gives nodes of the weights %s between 97%% and 103%% of their fair share', (strategy, weights) => {
    for (const { ratio } of open(strategy, weights, 'in order').nodes) {
      expect(ratio).toBeGreaterThanOrEqual(0.97)
      expect(ratio).toBeLessThanOrEqual(1.03)
    }
  })

  it('least-connections alternates when no request is open', () => {
    const { balancer } = balancerOf('least-connections', [1, 1, 1])
    expect(picksOf(balancer, 300)).toEqual({ 'n1:80': 100, 'n2:80': 100, 'n3:80': 100 })
  })

  it('least-connections follows weights', () => {
    const [first, second] = open('least-connections', [3, 1], 'in order').nodes
    expect((first?.picks ?? 0) / (second?.picks ?? 1)).toBeCloseTo(3, 0)
  })

  it('p2c keeps the imbalance within 1.1:1', () => {
    expect(open('p2c', [1, 1, 1, 1], 'by chance').imbalanceRatio).toBeLessThanOrEqual(1.1)
    expect(open('p2c', [1, 1, 1, 1], 'in order').imbalanceRatio).toBeLessThanOrEqual(1.1)
  })

  it('weighted distributes the picks of a node evenly over time', () => {
    const { balancer } = balancerOf('weighted', [5, 1, 1])
    const turns = Array.from({ length: 70 }, () => balancer.selectNode()?.id)
    let longest = 0
    let run = 0
    for (const id of turns) {
      run = id === 'n1:80' ? run + 1 : 0
      longest = Math.max(longest, run)
    }
    expect(longest).toBeLessThanOrEqual(5)
    expect(turns.filter((id) => id === 'n1:80')).toHaveLength(50)
  })

  it('random picks nodes with equal probability, regardless of weights', () => {
    const counts = Object.values(picksOf(balancerOf('random', [1, 9, 1, 1]).balancer, TIMES))
    for (const count of counts)
      expect(Math.abs(count - TIMES / 4)).toBeLessThan(5 * Math.sqrt(TIMES * 0.25 * 0.75))
  })

  it('peak-ewma sends less to a slow node, and tries it again after a while', () => {
    const { balancer, clock } = balancerOf('peak-ewma', [1, 1])
    for (let at = 0; at < 50; at += 1) {
      clock.advance(10)
      balancer.recordRequest('n1:80', 250, 200)
      balancer.recordRequest('n2:80', 10, 200)
    }
    expect(picksOf(balancer, 100)).toEqual({ 'n1:80': 0, 'n2:80': 100 })
    const leases = Array.from({ length: 260 }, () => balancer.acquire())
    expect(leases.filter((lease) => lease?.node.id === 'n1:80').length).toBeGreaterThanOrEqual(8)
    for (const lease of leases) lease?.release()
    clock.advance(60_000)
    balancer.recordRequest('n2:80', 10, 200)
    expect(picksOf(balancer, 100)['n1:80']).toBeGreaterThan(40)
  })

  it.each(balancingStrategies)('%s gives a degraded node 25% of its share', (strategy) => {
    const { balancer } = balancerOf(strategy, [1, 1, 1, 1])
    balancer.updateNodeHealth('n2:80', 'degraded')
    const random = seeded(3)
    const leases: NodeLease[] = []
    for (let at = 0; at < TIMES; at += 1) {
      const lease = balancer.acquire(client(at))
      if (lease !== null) leases.push(lease)
      if (leases.length > 64) leases.splice(Math.floor(random() * leases.length), 1)[0]?.release()
    }
    const share = balancer.getNodeStats('n2:80').share
    expect(share).toBeGreaterThan(0.05)
    expect(share).toBeLessThan(0.1)
  })

  it.each(balancingStrategies)(
    '%s never picks a node without capacity or the excluded node, but any other',
    (strategy) => {
      const { balancer } = balancerOf(strategy, [1, 2, 1], { maxConnections: 3 })
      const counts: Record<string, number> = {}
      for (let at = 0; at < 9; at += 1) {
        const lease = balancer.acquire(client(at))
        counts[lease?.node.id ?? 'none'] = (counts[lease?.node.id ?? 'none'] ?? 0) + 1
      }
      expect(counts).toEqual({ 'n1:80': 3, 'n2:80': 3, 'n3:80': 3 })
      expect(balancer.acquire('x')).toBeNull()
      expect(balancer.selectNode('x')).toBeNull()
      const other = balancerOf(strategy, [1, 2]).balancer
      const [except] = other.nodes as [ServerNode, ServerNode]
      for (let at = 0; at < 50; at += 1) expect(other.selectNode(client(at), { except })?.id).toBe('n2:80')
      const single = balancerOf(strategy, [1]).balancer
      expect(single.selectNode('x', { except: single.nodes[0] as ServerNode })).toBeNull()
      expect(single.selectNode('x')?.id).toBe('n1:80')
      expect(balancerOf(strategy, []).balancer.selectNode('x')).toBeNull()
    },
  )

  it.each(balancingStrategies)('%s only picks accepted nodes, in equal parts', (strategy) => {
    const { balancer } = balancerOf(strategy, [1, 1, 1, 1])
    const accepts = ({ id }: ServerNode) => id === 'n2:80' || id === 'n4:80'
    const seen: Record<string, number> = {}
    for (let at = 0; at < 1_000; at += 1) {
      const { id = 'none' } = balancer.acquire(client(at), { accepts })?.node ?? {}
      seen[id] = (seen[id] ?? 0) + 1
    }
    expect(Object.keys(seen).sort()).toEqual(['n2:80', 'n4:80'])
    expect(seen['n2:80']).toBeGreaterThan(400)
    expect(seen['n4:80']).toBeGreaterThan(400)
    const [second] = balancer.nodes.slice(1) as [ServerNode]
    expect(balancer.selectNode('x', { accepts, except: second })?.id).toBe('n4:80')
    expect(balancer.selectNode('x', { accepts, prefer: balancer.nodes[0] as ServerNode })?.id).toMatch(
      /n[24]/,
    )
    expect(balancer.selectNode('x', { accepts: () => false })).toBeNull()
    balancer.setSessionAffinity('s', 'n1:80')
    expect(balancer.selectNode('x', { accepts, sessionId: 's' })?.id).toMatch(/n[24]/)
    // It was only not accepted: the session does not move.
    expect(balancer.selectNode('x', { sessionId: 's' })?.id).toBe('n1:80')
  })

  it.each(balancingStrategies)(
    '%s does not compensate a node for requests that it could not accept',
    (strategy) => {
      const { balancer } = balancerOf(strategy, [1, 1], { maxConnections: 50 })
      const held = Array.from({ length: 100 }, () => balancer.acquire())
      const [busy, free] = ['n1:80', 'n2:80']
      for (const lease of held) if (lease?.node.id === free) lease.release()
      for (let at = 0; at < 1_000; at += 1) balancer.acquire()?.release()
      for (const lease of held) if (lease?.node.id === busy) lease.release()
      expect(picksOf(balancer, 100, client)[busy]).toBeLessThan(70)
    },
  )
})

describe('ip-hash', () => {
  const clients = Array.from({ length: 20_000 }, (_, at) => client(at))
  const homes = (
    weights: readonly number[],
    change?: (balancer: ReturnType<typeof balancerOf>['balancer']) => unknown,
  ) => {
    const { balancer } = balancerOf('ip-hash', weights)
    change?.(balancer)
    return clients.map((ip) => balancer.selectNode(ip)?.id)
  }
  const moved = (a: readonly unknown[], b: readonly unknown[]) =>
    a.filter((home, at) => home !== b[at]).length / a.length

  it('assigns a client to the same node each time', () => {
    expect(homes([1, 1, 1])).toEqual(homes([1, 1, 1]))
  })

  it('assigns a client to the same node for every spelling of its address', () => {
    const { balancer } = balancerOf('ip-hash', [1, 1, 1, 1])
    for (let at = 0; at < 50; at += 1) {
      const hex = at.toString(16)
      const homeOf = (ip: string) => balancer.selectNode(ip)?.id
      expect(new Set([`10.0.0.${at}`, `::ffff:10.0.0.${at}`, `::FFFF:a00:${hex}`].map(homeOf)).size).toBe(1)
      expect(homeOf(`2001:DB8:0::${hex}`)).toBe(homeOf(`2001:db8::${hex}`))
    }
  })

  it.each([
    ['equal', Array.from({ length: 10 }, () => 1)],
    ['different', [1, 2, 3, 4, 1, 2, 3, 4, 1, 2]],
  ])('moves only the clients of a node that goes down when weights are %s', (_, weights) => {
    const before = homes(weights)
    const after = homes(weights, (balancer) => balancer.updateNodeHealth('n4:80', 'unhealthy'))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    expect(moved(before, after)).toBeLessThan((weights[3] ?? 0) / total + 0.02)
    for (const [at, home] of before.entries()) if (home !== 'n4:80') expect(after[at]).toBe(home)
  })

  it('moves some clients of a degraded node, and none while a node starts slowly', () => {
    const before = homes([1, 1, 1, 1])
    const after = homes([1, 1, 1, 1], (balancer) => balancer.updateNodeHealth('n1:80', 'degraded'))
    for (const [at, home] of before.entries()) if (home !== 'n1:80') expect(after[at]).toBe(home)
    const back = homes([1, 1, 1, 1], (balancer) => {
      balancer.updateNodeHealth('n1:80', 'unhealthy')
      balancer.updateNodeHealth('n1:80', 'healthy')
    })
    expect(back).toEqual(before)
  })

  it('distributes clients by weight', () => {
    const { balancer } = balancerOf('ip-hash', [1, 3, 6])
    const counts = picksOf(balancer, 20_000, client)
    expect((counts['n1:80'] ?? 0) / 20_000).toBeCloseTo(0.1, 1)
    expect((counts['n2:80'] ?? 0) / 20_000).toBeCloseTo(0.3, 1)
  })

  it('alternates for requests without a client address', () => {
    expect(picksOf(balancerOf('ip-hash', [1, 1]).balancer, 100)).toEqual({ 'n1:80': 50, 'n2:80': 50 })
  })
})
