import {
  DuplicateNodeError,
  getLoadBalancingEngine,
  InvalidArgumentError,
  InvalidOptionError,
  LoadBalancingEngine,
  UnknownNodeError,
} from '@sluice/core'
import { describe, expect, it, vi } from 'vitest'
import { balancerOf, picksOf } from './balancing-world.ts'

describe('LoadBalancingEngine', () => {
  it('accepts a strategy or options', () => {
    expect(new LoadBalancingEngine().strategy).toBe('round-robin')
    expect(new LoadBalancingEngine('p2c').strategy).toBe('p2c')
    expect(new LoadBalancingEngine({ strategy: 'weighted' }).strategy).toBe('weighted')
    expect(getLoadBalancingEngine()).toBe(getLoadBalancingEngine())
  })

  it.each([
    [{ strategy: 'fastest' }, 'strategy'],
    [{ maxSessions: 0 }, 'maxSessions'],
    [{ ejection: {} }, 'ejection'],
    [{ stratgy: 'p2c' }, 'stratgy'],
  ])('throws for invalid options: %o', (options, name) => {
    expect(() => new LoadBalancingEngine(options as never)).toThrow(InvalidOptionError)
    expect(() => new LoadBalancingEngine(options as never)).toThrow(`"${name}"`)
  })

  describe('registerNode', () => {
    it('registers host names and addresses', () => {
      const { balancer } = balancerOf('round-robin', [])
      expect(balancer.registerNode('db-1.internal', 5432)).toMatchObject({
        id: 'db-1.internal:5432',
        weight: 1,
        maxConnections: 1_000,
        status: 'healthy',
        activeConnections: 0,
        errorRate: 0,
      })
      expect(balancer.registerNode('127.0.0.1', 80, 2.5, 10)).toMatchObject({
        id: '127.0.0.1:80',
        weight: 2.5,
        maxConnections: 10,
      })
      expect(balancer.registerNode('::1', 80).id).toBe('[::1]:80')
      expect(balancer.nodes.map(({ id }) => id)).toEqual(['db-1.internal:5432', '127.0.0.1:80', '[::1]:80'])
    })

    it.each<[unknown[], string]>([
      [['', 80], 'host'],
      [['http://a', 80], 'host'],
      [['a/b', 80], 'host'],
      [['a:80', 80], 'host'],
      [['a b', 80], 'host'],
      [['1.2.3', 80], 'host'],
      [['999.1.1.1', 80], 'host'],
      [['-a', 80], 'host'],
      [['a\r\nb', 80], 'host'],
      [[undefined, 80], 'host'],
      [['a', 0], 'port'],
      [['a', 65_536], 'port'],
      [['a', 80.5], 'port'],
      [['a', '80'], 'port'],
      [['a', 80, 0], 'weight'],
      [['a', 80, -1], 'weight'],
      [['a', 80, Number.NaN], 'weight'],
      [['a', 80, Number.POSITIVE_INFINITY], 'weight'],
      [['a', 80, 1, 0], 'maxConnections'],
      [['a', 80, 1, 1.5], 'maxConnections'],
    ])('throws for an invalid node: %o', (given, argument) => {
      const { balancer } = balancerOf('round-robin', [])
      const register = () => balancer.registerNode(...(given as [string, number]))
      expect(register).toThrow(InvalidArgumentError)
      expect(register).toThrow(`"${argument}"`)
      expect(balancer.nodes).toEqual([])
    })

    it('throws when the same host and port are registered twice', () => {
      const { balancer } = balancerOf('round-robin', [1])
      expect(() => balancer.registerNode('n1', 80)).toThrow(DuplicateNodeError)
      balancer.registerNode('n1', 81)
    })
  })

  it('throws an error with the known nodes for an unknown node', async () => {
    const { balancer } = balancerOf('round-robin', [1, 1])
    for (const call of [
      () => balancer.getNodeStats('n9:80'),
      () => balancer.recordRequest('n9:80', 1, 200),
      () => balancer.updateNodeHealth('n9:80', 'healthy'),
      () => balancer.setSessionAffinity('s', 'n9:80'),
      () => balancer.eject('n9:80'),
      () => balancer.reinstate('n9:80'),
    ]) {
      expect(call).toThrow(UnknownNodeError)
      expect(call).toThrow('Unknown node "n9:80". Known nodes: n1:80, n2:80.')
    }
    await expect(balancer.removeNode('n9:80')).rejects.toThrow(UnknownNodeError)
  })

  it('counts a connection until it is released, and only once', () => {
    const { balancer } = balancerOf('round-robin', [1], { maxConnections: 1 })
    const lease = balancer.acquire()
    expect(balancer.nodes[0]?.activeConnections).toBe(1)
    expect(balancer.acquire()).toBeNull()
    lease?.release()
    lease?.release()
    expect(balancer.nodes[0]?.activeConnections).toBe(0)
    expect(balancer.acquire()?.node.id).toBe('n1:80')
  })

  it('skips nodes that are unhealthy or in maintenance', () => {
    const { balancer, events } = balancerOf('round-robin', [1, 1, 1])
    balancer.updateNodeHealth('n1:80', 'unhealthy')
    balancer.updateNodeHealth('n2:80', 'maintenance')
    expect(picksOf(balancer, 10)).toEqual({ 'n1:80': 0, 'n2:80': 0, 'n3:80': 10 })
    balancer.updateNodeHealth('n3:80', 'unhealthy')
    expect(balancer.selectNode()).toBeNull()
    balancer.updateNodeHealth('n3:80', 'unhealthy')
    expect(events).toEqual(['statusChanged n1:80', 'statusChanged n2:80', 'statusChanged n3:80'])
  })

  it('accepts metrics, and rejects invalid ones', () => {
    const { balancer } = balancerOf('round-robin', [1])
    balancer.updateNodeHealth('n1:80', 'healthy', { responseTime: 12, errorRate: 0.5 })
    expect(balancer.nodes[0]).toMatchObject({ responseTime: 12, errorRate: 0.5 })
    expect(() => balancer.updateNodeHealth('n1:80', 'ill' as never)).toThrow('"status"')
    expect(() => balancer.updateNodeHealth('n1:80', 'healthy', { responseTime: -1 })).toThrow(
      'metrics.responseTime',
    )
    expect(() => balancer.updateNodeHealth('n1:80', 'healthy', { errorRate: 2 })).toThrow('metrics.errorRate')
    expect(() => balancer.recordRequest('n1:80', -1, 200)).toThrow('responseTimeMs')
    expect(() => balancer.recordRequest('n1:80', 1, 99)).toThrow('status')
  })

  it('selects the preferred node if it is available and has capacity', () => {
    const { balancer } = balancerOf('round-robin', [1, 1], { maxConnections: 1 })
    const [first, second] = balancer.nodes
    const prefer = second as NonNullable<typeof second>
    for (let at = 0; at < 3; at += 1) expect(balancer.selectNode(undefined, { prefer })?.id).toBe('n2:80')
    expect(balancer.selectNode(undefined, { prefer, except: prefer })?.id).toBe('n1:80')
    const lease = balancer.acquire(undefined, { prefer })
    expect(balancer.selectNode(undefined, { prefer })).toBe(first)
    lease?.release()
    balancer.eject('n2:80')
    expect(balancer.selectNode(undefined, { prefer })).toBe(first)
    balancer.reinstate('n2:80')
    balancer.updateNodeHealth('n2:80', 'maintenance')
    expect(balancer.selectNode(undefined, { prefer })).toBe(first)
  })

  it('records the response time of an abandoned request without counting a request', () => {
    const { balancer } = balancerOf('peak-ewma', [1, 1])
    balancer.recordRequest('n1:80', 10, 200)
    balancer.recordRequest('n2:80', 10, 200)
    balancer.recordAbandoned('n1:80', 5)
    expect(balancer.nodes[0]?.responseTime).toBe(10)
    balancer.recordAbandoned('n1:80', 500)
    balancer.recordRequest('n2:80', 10, 200)
    expect(balancer.getNodeStats('n1:80')).toMatchObject({ requests: 1, failures: 0 })
    for (let at = 0; at < 20; at += 1) expect(balancer.selectNode()?.id).toBe('n2:80')
    expect(() => balancer.recordAbandoned('n1:80', -1)).toThrow(InvalidArgumentError)
    expect(() => balancer.recordAbandoned('n9:80', 1)).toThrow(UnknownNodeError)
  })

  it('ignores the earlier response time of a node that is reinstated', () => {
    const { balancer, clock } = balancerOf('peak-ewma', [1, 1])
    for (const id of ['n1:80', 'n2:80']) balancer.recordRequest(id, 10, 200)
    balancer.recordRequest('n1:80', 4_000, 200)
    balancer.eject('n1:80')
    clock.advance(1_000)
    balancer.reinstate('n1:80')
    clock.advance(5_000)
    const picked = Array.from({ length: 40 }, () => balancer.selectNode()?.id)
    expect(picked.filter((id) => id === 'n1:80').length).toBeGreaterThan(10)
  })

  it('ramps up a reinstated node slowly', () => {
    const { balancer, clock } = balancerOf('round-robin', [1, 1])
    balancer.updateNodeHealth('n1:80', 'unhealthy')
    balancer.updateNodeHealth('n1:80', 'healthy')
    const share = () => (picksOf(balancer, 1_000)['n1:80'] ?? 0) / 1_000
    expect(share()).toBeCloseTo(0.1 / 1.1, 2)
    clock.advance(2_500)
    expect(share()).toBeCloseTo(0.55 / 1.55, 2)
    clock.advance(2_500)
    expect(share()).toBeCloseTo(0.5, 2)
  })

  describe('ejection', () => {
    const fail = (balancer: LoadBalancingEngine, id: string, times: number, status = 0) => {
      for (let at = 0; at < times; at += 1) balancer.recordRequest(id, 1, status)
    }

    it('ejects a node after 5 consecutive failures, longer each time, and reinstates it', () => {
      const { balancer, clock, events } = balancerOf('round-robin', [1, 1])
      fail(balancer, 'n1:80', 4)
      balancer.recordRequest('n1:80', 1, 404)
      fail(balancer, 'n1:80', 4, 503)
      expect(picksOf(balancer, 2)['n1:80']).toBe(1)
      fail(balancer, 'n1:80', 1, 504)
      expect(picksOf(balancer, 10)).toEqual({ 'n1:80': 0, 'n2:80': 10 })
      expect(balancer.getNodeStats('n1:80')).toMatchObject({ ejections: 1, ejectedForMs: 30_000 })
      clock.advance(29_999)
      expect(picksOf(balancer, 10)['n1:80']).toBe(0)
      clock.advance(1)
      balancer.selectNode()
      // The node starts slowly.
      clock.advance(5_000)
      expect(picksOf(balancer, 10)['n1:80']).toBe(5)
      fail(balancer, 'n1:80', 5)
      expect(balancer.getNodeStats('n1:80').ejectedForMs).toBe(60_000)
      expect(events).toEqual([
        'ejected n1:80 consecutive-failures',
        'reinstated n1:80',
        'ejected n1:80 consecutive-failures',
      ])
    })

    it('does not count the statuses 500 and 501 as failures for ejection', () => {
      const { balancer } = balancerOf('round-robin', [1, 1])
      fail(balancer, 'n1:80', 20, 500)
      expect(balancer.getNodeStats('n1:80')).toMatchObject({ ejections: 0, failures: 20 })
    })

    it('ejects a node when 50% of at least 50 requests fail', () => {
      const { balancer } = balancerOf('round-robin', [1, 1])
      for (let at = 0; at < 24; at += 1) {
        fail(balancer, 'n1:80', 1)
        balancer.recordRequest('n1:80', 1, 200)
      }
      expect(balancer.getNodeStats('n1:80').ejections).toBe(0)
      balancer.recordRequest('n1:80', 1, 200)
      fail(balancer, 'n1:80', 1)
      expect(balancer.getNodeStats('n1:80').ejections).toBe(1)
    })

    it('resets the ejection time of a node that works for as long as it was ejected', () => {
      const { balancer, clock } = balancerOf('round-robin', [1, 1])
      for (const forMs of [30_000, 60_000]) {
        fail(balancer, 'n1:80', 5)
        expect(balancer.getNodeStats('n1:80').ejectedForMs).toBe(forMs)
        clock.advance(forMs)
        balancer.selectNode()
      }
      clock.advance(60_000)
      balancer.recordRequest('n1:80', 1, 200)
      fail(balancer, 'n1:80', 5)
      expect(balancer.getNodeStats('n1:80').ejectedForMs).toBe(60_000)
    })

    it('never ejects the last remaining node', () => {
      const { balancer } = balancerOf('round-robin', [1, 1, 1])
      for (const id of ['n1:80', 'n2:80', 'n3:80']) fail(balancer, id, 50)
      expect(balancer.getClusterStats()).toMatchObject({ ejectedNodes: 2, isPanic: false })
      expect(picksOf(balancer, 10)['n3:80']).toBe(10)
      expect(balancer.eject('n3:80')).toBe(false)
    })

    it('ejects no node if ejection is off', () => {
      const none = balancerOf({ ejection: false }, [1, 1]).balancer
      fail(none, 'n1:80', 50)
      expect(none.getClusterStats().ejectedNodes).toBe(0)
    })

    it('uses ejected nodes when no other node is up, but never unhealthy ones', () => {
      const { balancer, events } = balancerOf('round-robin', [1, 1, 1])
      fail(balancer, 'n1:80', 5)
      balancer.updateNodeHealth('n2:80', 'unhealthy')
      balancer.updateNodeHealth('n3:80', 'unhealthy')
      expect(balancer.getClusterStats().isPanic).toBe(true)
      expect(picksOf(balancer, 10)).toEqual({ 'n1:80': 10, 'n2:80': 0, 'n3:80': 0 })
      balancer.updateNodeHealth('n3:80', 'healthy')
      expect(picksOf(balancer, 10)['n3:80']).toBe(10)
      expect(events.filter((event) => event.startsWith('panic'))).toHaveLength(2)
    })

    it('ends an ejection when the node is readmitted', () => {
      const { balancer, events } = balancerOf('round-robin', [1, 1])
      expect(balancer.eject('n1:80')).toBe(true)
      balancer.reinstate('n1:80')
      balancer.reinstate('n1:80')
      expect(balancer.getNodeStats('n1:80').ejectedForMs).toBe(0)
      expect(events).toEqual(['ejected n1:80 requested', 'reinstated n1:80'])
    })
  })

  describe('removeNode', () => {
    it('sends no new requests to a draining node, and waits for its connections', async () => {
      const { balancer, events } = balancerOf('round-robin', [1, 1])
      const lease = balancer.acquire()
      const removed = balancer.removeNode('n1:80', { drainMs: 60_000 })
      expect(picksOf(balancer, 10)).toEqual({ 'n1:80': 0, 'n2:80': 10 })
      expect(balancer.getNodeStats('n1:80').isDraining).toBe(true)
      lease?.release()
      expect(await removed).toEqual({ abandoned: 0 })
      expect(balancer.nodes.map(({ id }) => id)).toEqual(['n2:80'])
      expect(events).toEqual(['draining n1:80', 'nodeRemoved n1:80'])
      balancer.registerNode('n1', 80)
    })

    it('removes a node after the drain time, and counts open connections', async () => {
      vi.useFakeTimers()
      try {
        const { balancer } = balancerOf('round-robin', [1])
        const lease = balancer.acquire()
        const both = Promise.all([
          balancer.removeNode('n1:80', { drainMs: 500 }),
          balancer.removeNode('n1:80', { drainMs: 500 }),
        ])
        await vi.advanceTimersByTimeAsync(500)
        expect(await both).toEqual([{ abandoned: 1 }, { abandoned: 1 }])
        expect(balancer.nodes).toEqual([])
        lease?.release()
        expect(vi.getTimerCount()).toBe(0)
      } finally {
        vi.useRealTimers()
      }
    })

    it('rejects an invalid time', async () => {
      await expect(
        balancerOf('round-robin', [1]).balancer.removeNode('n1:80', { drainMs: -1 }),
      ).rejects.toThrow('drainMs')
    })
  })

  describe('sessions', () => {
    it('stay on their node, regardless of other nodes', async () => {
      const { balancer } = balancerOf('random', [1, 1, 1, 1, 1])
      balancer.setSessionAffinity('ada', 'n1:80')
      let missed = 0
      for (let at = 0; at < 100_000; at += 1) {
        if (at % 1_000 === 0)
          balancer.updateNodeHealth(
            `n${2 + ((at / 1_000) % 3)}:80`,
            at % 2_000 === 0 ? 'unhealthy' : 'healthy',
          )
        if (at === 50_000) await balancer.removeNode('n5:80')
        if (balancer.selectNode(undefined, { sessionId: 'ada' })?.id !== 'n1:80') missed += 1
      }
      expect(missed).toBe(0)
    })

    it('are assigned automatically', () => {
      const { balancer } = balancerOf('random', [1, 1, 1, 1])
      const home = balancer.selectNode(undefined, { sessionId: 'ada' })?.id
      for (let at = 0; at < 100; at += 1)
        expect(balancer.selectNode(undefined, { sessionId: 'ada' })?.id).toBe(home)
    })

    it('move once when their node is down, and stay there', () => {
      const { balancer } = balancerOf('round-robin', [1, 1, 1])
      balancer.setSessionAffinity('ada', 'n1:80')
      balancer.updateNodeHealth('n1:80', 'unhealthy')
      const home = balancer.selectNode(undefined, { sessionId: 'ada' })?.id
      expect(home).not.toBe('n1:80')
      balancer.updateNodeHealth('n1:80', 'healthy')
      for (let at = 0; at < 20; at += 1)
        expect(balancer.selectNode(undefined, { sessionId: 'ada' })?.id).toBe(home)
    })

    it('return to their node when it was only busy', () => {
      const { balancer } = balancerOf('round-robin', [1, 1], { maxConnections: 1 })
      balancer.setSessionAffinity('ada', 'n1:80')
      const lease = balancer.acquire(undefined, { sessionId: 'ada' })
      expect(balancer.selectNode(undefined, { sessionId: 'ada' })?.id).toBe('n2:80')
      lease?.release()
      expect(balancer.selectNode(undefined, { sessionId: 'ada' })?.id).toBe('n1:80')
    })

    it('expire, also after a move', () => {
      const { balancer, clock } = balancerOf('round-robin', [1, 1, 1])
      balancer.setSessionAffinity('ada', 'n1:80', 10)
      balancer.setSessionAffinity('bea', 'n1:80')
      expect(balancer.getClusterStats().sessions).toBe(2)
      balancer.updateNodeHealth('n1:80', 'maintenance')
      clock.advance(9_000)
      expect(balancer.selectNode(undefined, { sessionId: 'ada' })).not.toBeNull()
      clock.advance(1_001)
      expect(balancer.getClusterStats().sessions).toBe(1)
      clock.advance(3_590_000)
      expect(balancer.getClusterStats().sessions).toBe(0)
    })

    it('are removed above the limit, and rejected when invalid', () => {
      const { balancer } = balancerOf({ maxSessions: 10 }, [1])
      for (let at = 0; at < 20; at += 1) balancer.selectNode(undefined, { sessionId: `s${at}` })
      expect(balancer.getClusterStats().sessions).toBe(10)
      expect(() => balancer.setSessionAffinity('', 'n1:80')).toThrow('sessionId')
      expect(() => balancer.setSessionAffinity('s', 'n1:80', 0)).toThrow('ttlSeconds')
    })

    it('do not stay with a node that was removed and registered again', async () => {
      const { balancer } = balancerOf('round-robin', [1, 1])
      balancer.setSessionAffinity('ada', 'n1:80')
      await balancer.removeNode('n1:80')
      balancer.registerNode('n1', 80)
      const [, again] = balancer.nodes
      const lease = balancer.acquire(undefined, { sessionId: 'ada' })
      expect(balancer.nodes).toContain(lease?.node)
      expect(again?.id).toBe('n1:80')
    })
  })

  it('changes its strategy while it runs', () => {
    const { balancer, events } = balancerOf('round-robin', [1, 3])
    balancer.eject('n1:80')
    balancer.setStrategy('weighted')
    balancer.setStrategy('weighted')
    expect(picksOf(balancer, 8)).toEqual({ 'n1:80': 0, 'n2:80': 8 })
    expect(events).toEqual(['ejected n1:80 requested', 'strategyChanged'])
    expect(() => balancer.setStrategy('best' as never)).toThrow('"strategy"')
  })

  it('counts requests, picks and failures, and computes quantiles of response times', () => {
    const { balancer, clock } = balancerOf('round-robin', [1, 1, 1], { maxConnections: 10 })
    balancer.updateNodeHealth('n3:80', 'maintenance')
    for (let at = 1; at <= 100; at += 1) {
      clock.advance(1)
      balancer.acquire()?.release()
      balancer.recordRequest('n1:80', at, at === 100 ? 500 : 200)
    }
    balancer.acquire()
    expect(balancer.getClusterStats()).toMatchObject({
      strategy: 'round-robin',
      totalNodes: 3,
      healthyNodes: 2,
      degradedNodes: 0,
      unhealthyNodes: 0,
      maintenanceNodes: 1,
      totalRequests: 100,
      failedRequests: 1,
      activeConnections: 1,
      totalCapacity: 20,
      averageLoad: 0.05,
    })
    const stats = balancer.getNodeStats('n1:80')
    expect(stats).toMatchObject({ picks: 51, requests: 100, failures: 1 })
    for (const [quantile, expected] of [
      [stats.p50, 50],
      [stats.p95, 95],
      [stats.p99, 99],
    ] as const)
      expect(Math.abs(quantile - expected) / expected).toBeLessThan(0.055)
    clock.advance(130_000)
    expect(balancer.getNodeStats('n1:80').p99).toBe(0)
  })

  it('reports the distribution of picks', () => {
    const { balancer } = balancerOf('weighted', [3, 1])
    picksOf(balancer, 400)
    expect(balancer.getBalancingEfficiency()).toEqual({
      nodes: [
        { id: 'n1:80', picks: 300, share: 0.75, fairShare: 0.75, ratio: 1 },
        { id: 'n2:80', picks: 100, share: 0.25, fairShare: 0.25, ratio: 1 },
      ],
      imbalanceRatio: 1,
    })
    expect(balancerOf('random', []).balancer.getBalancingEfficiency()).toEqual({
      nodes: [],
      imbalanceRatio: 1,
    })
  })

  it('emits no events after it is closed, and continues to work', () => {
    const { balancer, events } = balancerOf('round-robin', [1, 1])
    balancer.close()
    balancer.eject('n1:80')
    expect(events).toEqual([])
    expect(balancer.selectNode()?.id).toBe('n2:80')
  })
})
