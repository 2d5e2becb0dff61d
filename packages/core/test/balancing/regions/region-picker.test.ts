import { describe, expect, it } from 'vitest'
import { LoadBalancingEngine, type NodeLease } from '../../../src/balancing/load-balancing-engine.ts'
import type { NodeOptions } from '../../../src/balancing/load-balancing-options.ts'
import { type ServerNode, UnknownNodeError } from '../../../src/balancing/node-state.ts'
import type { RegionOptions } from '../../../src/balancing/regions/region-options.ts'
import type { RegionStats } from '../../../src/balancing/regions/region-picker.ts'
import type { BalancingStrategy } from '../../../src/balancing/strategies/create-picker.ts'
import { InvalidOptionError } from '../../../src/shared/errors.ts'
import { FakeClock } from '../../helpers.ts'
import { seeded } from '../balancing-world.ts'

/** A balancer in region `a` with nodes such as `a1:80`, in a virtual time. */
function balancerIn(
  options: Partial<RegionOptions>,
  nodes: Readonly<Record<string, NodeOptions>>,
  strategy: BalancingStrategy = 'round-robin',
) {
  const clock = new FakeClock()
  const region = { local: 'a', rttMs: { b: 30, c: 80 }, ...options }
  const balancer = new LoadBalancingEngine({ strategy, region }, { clock, random: seeded(5) })
  for (const [host, node] of Object.entries(nodes))
    balancer.registerNode(host, 80, { region: host.slice(0, 1), ...node })
  const tier = (name: string) =>
    balancer.getClusterStats().regions.find((one) => one.name === name) as RegionStats
  return { balancer, clock, tier }
}

const two = { a1: {}, a2: {}, b1: {}, b2: {} }

describe('a balancer with regions', () => {
  it('leaves a region when it has as many requests in flight as its limit, and returns', () => {
    const { balancer, tier } = balancerIn({}, two)
    const leases = Array.from({ length: 40 }, () => balancer.acquire())
    const hosts = leases.map((lease) => lease?.node.host.slice(0, 1))
    expect(hosts).toEqual([...Array(16).fill('a'), ...Array(16).fill('b'), ...hosts.slice(32)])
    // Both are full: the one with fewer requests relative to its limit.
    expect(hosts.slice(32).filter((host) => host === 'a')).toHaveLength(4)
    expect(tier('a')).toMatchObject({
      isLocal: true,
      rttMs: 0,
      activeConnections: 20,
      requests: 20,
      limit: 16,
    })
    for (const lease of leases) lease?.release()
    expect(tier('a').activeConnections).toBe(0)
    expect(balancer.acquire()?.node.host).toMatch(/^a/)
  })

  it('never picks a full or unavailable region while another region has capacity, and counts to 0', async () => {
    const random = seeded(11)
    const nodes = { a1: {}, a2: { weight: 2 }, b1: {}, b2: {}, c1: {}, c2: { maxConnections: 3 } }
    const clock = new FakeClock()
    // Health shares let every request pass.
    const balancer = new LoadBalancingEngine(
      { strategy: 'least-connections', region: { local: 'a', rttMs: { b: 30 } } },
      { clock, random: () => 0 },
    )
    const add = (host: string) =>
      balancer.registerNode(host, 80, { region: host.slice(0, 1), ...nodes[host as 'a1'] })
    for (const host of Object.keys(nodes)) add(host)
    const open: NodeLease[] = []
    const any = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T
    const actions = [
      () => {
        // Limits change at picks only.
        balancer.selectNode()
        const before = balancer.getClusterStats()
        const lease = balancer.acquire()
        if (lease === null) return
        open.push(lease)
        const isUp = (id: string) => {
          const node = before.nodes.find((one) => one.id === id)
          return (
            node !== undefined &&
            node.status === 'healthy' &&
            node.ejectedForMs === 0 &&
            !node.isDraining &&
            node.activeConnections < node.maxConnections
          )
        }
        expect(isUp(lease.node.id)).toBe(true)
        const isFull = (region: RegionStats) => region.activeConnections >= region.limit
        const own = before.regions.find(({ name }) => name === lease.node.region) as RegionStats
        const nearer = before.regions.slice(0, before.regions.indexOf(own))
        const hasNode = ({ name }: RegionStats) =>
          before.nodes.some((node) => node.region === name && isUp(node.id))
        const others = isFull(own) ? before.regions.filter((one) => one !== own) : nearer
        for (const other of others) expect(!hasNode(other) || isFull(other)).toBe(true)
      },
      () => open.splice(Math.floor(random() * open.length), 1)[0]?.release(),
      () => balancer.recordRequest(any(balancer.nodes).id, random() * 300, any([200, 200, 200, 503, 0])),
      () => clock.advance(random() * 200),
      () => balancer.updateNodeHealth(any(balancer.nodes).id, any(['healthy', 'healthy', 'unhealthy'])),
      () => balancer.setStrategy(any(['round-robin', 'least-connections', 'p2c'])),
      () => {
        if (balancer.nodes.length < 3) return
        void balancer.removeNode(any(balancer.nodes).id, { drainMs: any([0, 10]) })
      },
      () => {
        const gone = Object.keys(nodes).filter((host) => balancer.nodes.every((node) => node.host !== host))
        if (gone.length > 0) add(any(gone))
      },
    ]
    for (let at = 0; at < 8_000; at += 1) (random() < 0.5 ? actions[0] : any(actions))?.()
    for (const lease of open) lease.release()
    expect(balancer.getClusterStats().regions.map(({ activeConnections }) => activeConnections)).toEqual(
      balancer.getClusterStats().regions.map(() => 0),
    )
    expect(balancer.getClusterStats().activeConnections).toBe(0)
  })

  it('does not count connections of removed nodes', async () => {
    const { balancer, tier } = balancerIn({}, two)
    const [lease, other] = [balancer.acquire(), balancer.acquire()]
    await balancer.removeNode('a1:80')
    expect(tier('a').activeConnections).toBe(1)
    lease?.release()
    expect(tier('a').activeConnections).toBe(1)
    other?.release()
    expect(tier('a').activeConnections).toBe(0)
  })

  it('forgets a region without nodes', async () => {
    const { balancer } = balancerIn({}, { a1: {}, b1: {} })
    await balancer.removeNode('b1:80')
    expect(balancer.getClusterStats().regions.map(({ name }) => name)).toEqual(['a'])
  })

  it('sends a share of the requests away when less than 5 of 7 of the weight is available', () => {
    const { balancer, tier } = balancerIn({}, { a1: {}, a2: {}, a3: {}, a4: {}, b1: {} })
    const local = () => {
      let count = 0
      for (let at = 0; at < 1_000; at += 1) count += Number(balancer.selectNode()?.region === 'a')
      return count / 1_000
    }
    balancer.updateNodeHealth('a1:80', 'unhealthy')
    expect(local()).toBe(1)
    balancer.updateNodeHealth('a2:80', 'unhealthy')
    expect(tier('a').healthShare).toBeCloseTo(0.7)
    expect(local()).toBeCloseTo(0.7, 1)
    balancer.updateNodeHealth('a3:80', 'unhealthy')
    balancer.updateNodeHealth('a4:80', 'unhealthy')
    expect(local()).toBe(0)
  })

  it('reduces the limit of a region with its weight, and to 4 when its last node goes down', () => {
    const { balancer, tier } = balancerIn({}, { a1: {}, a2: {}, a3: {}, a4: {}, b1: {} })
    balancer.updateNodeHealth('a1:80', 'unhealthy')
    expect(tier('a').limit).toBe(12)
    balancer.updateNodeHealth('a2:80', 'maintenance')
    expect(tier('a').limit).toBe(8)
    balancer.updateNodeHealth('a1:80', 'healthy')
    expect(tier('a').limit).toBe(8)
    for (const node of ['a1:80', 'a3:80', 'a4:80']) balancer.updateNodeHealth(node, 'unhealthy')
    expect(tier('a')).toMatchObject({ limit: 4, healthShare: 0 })
    balancer.updateNodeHealth('a4:80', 'healthy')
    expect(tier('a').limit).toBe(4)
    expect(tier('b').limit).toBe(16)
    balancer.updateNodeHealth('b1:80', 'unhealthy')
    expect(tier('b').limit).toBe(4)
  })

  it('orders regions by distance, and by the shortest probe if that is not configured', () => {
    const { balancer } = balancerIn({ rttMs: { c: 80 } }, { c1: {}, b1: {}, d1: {}, a1: {} })
    const order = () => balancer.getClusterStats().regions.map(({ name, rttMs }) => `${name} ${rttMs}`)
    expect(order()).toEqual(['a 0', 'c 80', 'b null', 'd null'])
    balancer.recordProbe('d1:80', 90)
    balancer.recordProbe('b1:80', 70)
    expect(order()).toEqual(['a 0', 'b 70', 'c 80', 'd 90'])
    balancer.recordProbe('d1:80', 20)
    balancer.recordProbe('d1:80', 200)
    balancer.recordProbe('c1:80', 5)
    balancer.recordProbe('a1:80', 500)
    expect(order()).toEqual(['a 0', 'd 20', 'b 70', 'c 80'])
  })

  it('keeps sessions, preferred nodes and clients of ip-hash on their node in a busy region', () => {
    const { balancer } = balancerIn({}, two, 'ip-hash')
    const session = balancer.acquire(undefined, { sessionId: 's' })?.node
    const client = balancer.acquire('10.0.0.1')?.node
    const prefer = balancer.nodes[1] as ServerNode
    while (balancer.acquire()?.node.region === 'a');
    expect(balancer.acquire(undefined, { sessionId: 's' })?.node).toBe(session)
    expect(balancer.acquire('10.0.0.1')?.node).toBe(client)
    expect(balancer.acquire(undefined, { prefer })?.node).toBe(prefer)
    expect(balancer.acquire(undefined, { sessionId: 'new' })?.node.region).toBe('b')
    balancer.updateNodeHealth(client?.id ?? '', 'maintenance')
    // Some clients leave the region together with the node, always the same ones.
    const homes = Array.from({ length: 200 }, (_, at) => balancer.selectNode(`10.0.1.${at}`)?.region)
    expect(homes).toContain('a')
    expect(homes).toContain('b')
    expect(Array.from({ length: 200 }, (_, at) => balancer.selectNode(`10.0.1.${at}`)?.region)).toEqual(homes)
  })

  it('retries on another node of the region, then in the next one', () => {
    const { balancer } = balancerIn({}, { a1: {}, a2: {}, b1: {} })
    const [a1, a2] = balancer.nodes as [ServerNode, ServerNode]
    expect(balancer.selectNode(undefined, { except: a1 })?.host).toBe('a2')
    balancer.updateNodeHealth('a1:80', 'unhealthy')
    expect(balancer.selectNode(undefined, { except: a2 })?.host).toBe('b1')
  })

  it('keeps limits and counts when the strategy changes', () => {
    const { balancer, clock, tier } = balancerIn({}, two)
    const open = Array.from({ length: 16 }, () => balancer.acquire())
    for (let at = 0; at < 10; at += 1) balancer.recordRequest('a1:80', 10, 200)
    clock.advance(200)
    open.pop()?.release()
    balancer.selectNode()
    const { limit } = tier('a')
    expect(limit).toBeGreaterThan(16)
    balancer.setStrategy('least-connections')
    expect(tier('a')).toMatchObject({ limit, activeConnections: 15 })
    for (const lease of open) if (lease?.node.host === 'a2') lease.release()
    expect([1, 2, 3].map(() => balancer.acquire()?.node.host)).toEqual(['a2', 'a2', 'a2'])
  })

  it('does not include requests without a response in response times', () => {
    const { balancer, clock, tier } = balancerIn({}, two)
    for (let at = 0; at < 10; at += 1) balancer.recordRequest('a1:80', 40, 200)
    for (let at = 0; at < 4; at += 1) balancer.recordRequest('a2:80', 1, 0)
    clock.advance(200)
    balancer.selectNode()
    expect(tier('a').responseTime).toBe(40)
  })

  it('selects the local zone first, and the other zones before other regions', () => {
    const nodes = { a1: { zone: 'x' }, a2: { zone: 'y' }, a3: { zone: 'y' }, b1: { zone: 'y' } }
    const { balancer, tier } = balancerIn({ zone: 'y' }, nodes)
    const zones = Array.from({ length: 40 }, () => balancer.acquire()?.node).map(
      (node) => `${node?.region}${node?.zone}`,
    )
    expect(zones.slice(0, 32)).toEqual([...Array(16).fill('ay'), ...Array(16).fill('by')])
    expect(tier('a').zones.map(({ name, activeConnections }) => [name, activeConnections])).toEqual([
      ['y', 16],
      ['x', 4],
    ])
  })

  it.each([
    [{ local: '' }, 'region.local'],
    [{}, 'region.local'],
    [{ local: 'a', rttMs: { b: -1 } }, 'region.rttMs.b'],
    [{ local: 'a', rttMs: { b: '1' } }, 'region.rttMs.b'],
    [{ local: 'a', rttMs: 5 }, 'region.rttMs'],
    [{ local: 'a', stay: 0.5 }, 'region.stay'],
    [{ local: 'a', zone: 5 }, 'region.zone'],
    [{ local: 'a', near: 5 }, 'region.near'],
    ['a', 'region'],
  ])('rejects the option %o', (region, name) => {
    const create = () => new LoadBalancingEngine({ region } as never)
    expect(create).toThrow(InvalidOptionError)
    expect(create).toThrow(`"${name}"`)
  })

  it('rejects nodes without a place', () => {
    const { balancer } = balancerIn({ zone: 'x' }, {})
    expect(() => balancer.registerNode('a1', 80)).toThrow('the region of the node')
    expect(() => balancer.registerNode('a1', 80, { region: 'a' })).toThrow('the zone of the node')
    expect(() => balancer.registerNode('a1', 80, { region: '' })).toThrow(InvalidOptionError)
    expect(() => balancer.registerNode('a1', 80, { weight: 0, region: 'b' })).toThrow('"weight"')
    expect(() => balancer.recordProbe('a1:80', 5)).toThrow(UnknownNodeError)
    expect(balancer.nodes).toEqual([])
    expect(balancer.registerNode('b1', 80, { region: 'b', weight: 2, maxConnections: 3 })).toMatchObject({
      weight: 2,
      maxConnections: 3,
      region: 'b',
    })
    expect(() => balancer.recordProbe('b1:80', -1)).toThrow('"rttMs"')
  })
})
