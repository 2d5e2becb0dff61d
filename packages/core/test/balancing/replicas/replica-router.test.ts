import { afterEach, describe, expect, it, vi } from 'vitest'
import type { PendingConsistencyToken } from '../../../src/balancing/replicas/replica-routers.ts'
import { closeWorld, openWorld } from './replica-world.ts'

afterEach(closeWorld)

const lost = () => Promise.reject(Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' }))

describe('ReplicaRouter', () => {
  it('reads from the primary until both it and the replica have told their positions', async () => {
    const world = openWorld(1)
    expect(await world.read()).toBe('primary')
    await world.pass(10)
    expect(await world.read()).toBe(0)
    expect(world.reasons()).toMatchObject({ 'no-replica': 1 })
  })

  it('spreads reads over replicas', async () => {
    const world = openWorld(2)
    await world.pass(10)
    const places = await Promise.all([world.read(), world.read(), world.read(), world.read()])
    expect(places.sort()).toEqual([0, 0, 1, 1])
  })

  it('reads from the primary after a write until the replica has replayed it', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const scope = world.newScope()
    world.write(scope)
    expect(await world.read(scope)).toBe('primary')
    await world.pass(20)
    expect(await world.read(scope)).toBe('primary')
    world.replica.replayed = world.primary.inserted
    await world.pass(4)
    expect(await world.read(scope)).toBe(0)
    expect(world.reasons()['read-your-writes']).toBe(2)
  })

  it('is not content with a position that was asked before the write ended', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const scope = world.newScope()
    const intent = world.scopes.enter(scope, () => world.writes.begin(world.effect))
    await world.pass(200)
    intent.end('committed')
    expect(await world.read(scope)).toBe('primary')
  })

  it('rejects a position that was queried while the write was in flight', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.primary.answersInMs = 50
    world.write()
    await world.pass(10)
    world.replica.replayed = world.primary.inserted
    const scope = world.newScope()
    world.write(scope)
    await world.pass(45)
    expect(await world.read(scope)).toBe('primary')
    world.replica.replayed = world.primary.inserted
    await world.pass(110)
    expect(await world.read(scope)).toBe(0)
  })

  it('queries the position once after many writes, and at most every 5 ms', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const before = world.primary.questions
    for (let i = 0; i < 100; i += 1) {
      world.write()
      await world.pass(1)
    }
    expect(world.primary.questions - before).toBeLessThanOrEqual(21)
    expect(world.primary.questions - before).toBeGreaterThan(10)
  })

  it('lets only other scopes read from the replica meanwhile', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.write(world.newScope())
    await world.pass(20)
    expect(await world.read(world.newScope())).toBe(0)
    expect(await world.read()).toBe('primary')
  })

  it('makes a scope see the writes of its nested scopes', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const outer = world.newScope('outer')
    const inner = world.newScope('inner')
    world.scopes.enter(outer, () => world.scopes.opened(inner))
    world.write(inner)
    await world.pass(20)
    expect(await world.read(outer)).toBe('primary')
  })

  it('holds what may be kept to all writes of the process', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.write(world.newScope())
    await world.pass(20)
    const other = world.newScope()
    expect(await world.read(other)).toBe(0)
    expect(await world.read(other, 'kept')).toBe('primary')
  })

  it('reads what goes to a shared store from the primary', async () => {
    const world = openWorld(1, {}, true)
    await world.pass(10)
    expect(await world.read(undefined, 'kept')).toBe('primary')
    expect(await world.read()).toBe(0)
    expect(world.reasons().cached).toBe(1)
  })

  it('reads from the primary where that is demanded', async () => {
    const world = openWorld(1)
    await world.pass(10)
    expect(await world.read(undefined, 'primary')).toBe('primary')
    expect(world.reasons().forced).toBe(1)
  })

  it('follows transactions to their commit, and not those that are rolled back', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const scope = world.newScope()
    await world.scopes.enter(scope, async () => {
      const undone = world.writes.transaction()
      undone.add(world.effect)
      undone.end('rolled-back')
      expect(await world.read(scope)).toBe(0)
      const transaction = world.writes.transaction()
      transaction.add(world.effect)
      expect(await world.read(scope)).toBe(0)
      transaction.end('committed')
      expect(await world.read(scope)).toBe('primary')
    })
  })

  it('trusts no replica for 30 s after a write of unknown outcome', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const scope = world.newScope()
    world.scopes.enter(scope, () => world.writes.begin(world.effect)).end('unknown')
    for (let ms = 0; ms < 29_000; ms += 1_000) {
      await world.pass(1_000)
      expect(await world.read(scope)).toBe('primary')
    }
    await world.pass(2_000)
    await world.read(scope)
    await world.pass(20)
    expect(await world.read(scope)).toBe(0)
  })

  it('reads from the primary when the replica may be further behind than the bound', async () => {
    const world = openWorld(1, { maxLagMs: 500 })
    await world.pass(10)
    // Others write; the replica does not follow.
    const write = setInterval(() => {
      world.primary.written += 10
      world.primary.inserted += 10
    }, 10)
    try {
      for (let ms = 0; ms < 400; ms += 50) {
        await world.pass(50)
        world.primary.written += 10
        expect(await world.read()).toBe(0)
      }
      await world.pass(300)
      expect(await world.read()).toBe('primary')
      expect(world.reasons().lag).toBe(1)
      expect(world.router.balancer.nodes[0]?.status).toBe('degraded')
      world.replica.replayed = world.primary.written
      await world.pass(110)
      expect(await world.read()).toBe(0)
    } finally {
      clearInterval(write)
    }
  })

  it('has no lag while nothing is written', async () => {
    const world = openWorld(1)
    for (let i = 0; i < 100; i += 1) {
      await world.pass(100)
      await world.read()
    }
    expect(world.router.getStats().replicas[0]?.lagMs).toBe(0)
    expect(await world.read()).toBe(0)
  })

  it('trusts no replica whose primary no longer reports its position', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.primary.fails = true
    await world.pass(900)
    expect(await world.read()).toBe(0)
    await world.pass(300)
    expect(await world.read()).toBe('primary')
    expect(world.errors).toHaveLength(1)
  })

  it('does not read from a server that is not a replica', async () => {
    const world = openWorld(1)
    world.replica.replayed = null
    await world.pass(500)
    expect(await world.read()).toBe('primary')
    expect(world.warnings).toEqual(
      Array(world.warnings.length).fill('The replica replica-1:1 of knex1 is not read from. It is not a replica: it is not in recovery.'),
    )
  })

  it('does not read from a replica that is further than its primary was later on: the primary lost what it has', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const scope = world.newScope()
    world.write(scope, 1_000)
    world.replica.replayed = world.primary.inserted
    await world.pass(20)
    expect(await world.read(scope)).toBe(0)
    // It crashed, and wrote something else since.
    world.primary.written = 100_500
    world.primary.inserted = 100_500
    await world.pass(250)
    const before = world.reasons()['no-replica']
    expect(await world.read()).toBe('primary')
    expect(world.reasons()['no-replica']).toBe(before + 1)
    expect(world.warnings).toEqual(['The replica replica-1:1 of knex1 is not read from. It has replayed what its primary does not have.'])
    expect(world.router.getStats().replicas[0]?.lagMs).toBe(Number.POSITIVE_INFINITY)
    world.replica.replayed = 100_500
    await world.pass(210)
    expect(await world.read()).toBe(0)
    // What was promised to those who wrote before is not asked for any more: nobody has it.
    expect(await world.read(scope)).toBe(0)
  })

  it('uses no replica of a primary without a binary log, and warns', async () => {
    const world = openWorld(1, {}, false, 'mysql')
    world.primary.logs = 0
    await world.pass(1_000)
    expect(await world.read()).toBe('primary')
    expect(new Set(world.warnings)).toEqual(
      new Set([
        'The replicas of knex1 are not read from, because of its own server. It writes no binary log, so the replication lag is unknown: expected `log_bin` to be on.',
      ]),
    )
    expect(world.errors).toEqual([])
    world.primary.logs = 1
    await world.pass(300)
    expect(await world.read()).toBe(0)
  })

  it('uses replicas of a new primary once they have replayed something of it', async () => {
    const world = openWorld(1, {}, false, 'mysql')
    await world.pass(10)
    world.write()
    world.replica.replayed = world.primary.inserted
    await world.pass(20)
    expect(await world.read()).toBe(0)
    // Another server writes on where the old one ended, and nobody writes in this process.
    world.primary.server = 2
    world.primary.inserted += 10
    await world.pass(250)
    expect(await world.read()).toBe('primary')
    world.replica.server = 2
    world.replica.replayed = world.primary.inserted
    await world.pass(110)
    expect(await world.read()).toBe(0)
    const scope = world.newScope()
    world.write(scope)
    await world.pass(20)
    expect(await world.read(scope)).toBe('primary')
  })

  it('does not read from a replica that follows another server, however far it is', async () => {
    const world = openWorld(1, {}, false, 'mysql')
    world.replica.server = 2
    world.replica.replayed = 900_000
    await world.pass(300)
    expect(await world.read()).toBe('primary')
  })

  it('uses no replica for writes of a previous primary', async () => {
    const world = openWorld(1, {}, false, 'mysql')
    await world.pass(10)
    const scope = world.newScope()
    world.scopes.enter(scope, () => world.routers.useConsistencyToken('0:0-2-7'))
    expect(await world.read(scope)).toBe('primary')
    expect(await world.read(world.newScope())).toBe(0)
    expect(() => world.scopes.enter(scope, () => world.routers.useConsistencyToken('0:0-2'))).toThrow('Argument "token"')
  })

  it('asks another replica, then the primary, when one is lost', async () => {
    const world = openWorld(2)
    await world.pass(10)
    const asked: number[] = []
    const answer = await world.read(undefined, undefined, (index) => {
      asked.push(index)
      return asked.length === 1 ? lost() : Promise.resolve(index)
    })
    expect(asked).toHaveLength(2)
    expect(answer).toBe(asked[1])
    // The first one is not asked before it has answered anew.
    await world.read(undefined, undefined, lost)
    expect(await world.read()).toBe('primary')
    expect(world.reasons()).toMatchObject({ failed: 1, 'no-replica': 1 })
  })

  it('uses a replica again once it answers', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.replica.state = 'fails'
    expect(await world.read(undefined, undefined, lost)).toBe('primary')
    await world.pass(1_000)
    expect(await world.read()).toBe('primary')
    world.replica.state = 'up'
    await world.pass(110)
    expect(await world.read()).toBe(0)
  })

  it('pauses longer each time where reads fail although the replica answers', async () => {
    const world = openWorld(1)
    await world.pass(10)
    let tries = 0
    for (let ms = 0; ms < 10_000; ms += 10) {
      await world.read(undefined, undefined, () => {
        tries += 1
        return lost()
      })
      await world.pass(10)
    }
    expect(tries).toBeLessThan(12)
  })

  it('counts reads that fail together as one failure', async () => {
    const world = openWorld(1)
    await world.pass(10)
    await Promise.all(Array.from({ length: 50 }, () => world.read(undefined, undefined, lost)))
    await world.pass(110)
    expect(await world.read()).toBe(0)
    expect(world.router.getStats().replicas[0]?.failures).toBe(50)
  })

  it('gives up on a replica that hangs', async () => {
    const world = openWorld(1, { readTimeoutMs: 300 })
    await world.pass(10)
    world.replica.state = 'hangs'
    const answer = vi.fn()
    void world.read(undefined, undefined, () => new Promise(() => {})).then(answer)
    await world.pass(250)
    expect(answer).not.toHaveBeenCalled()
    await world.pass(200)
    expect(answer).toHaveBeenCalledWith('primary')
    expect(await world.read()).toBe('primary')
  })

  it('gives up on a read that takes too long, though the replica answers', async () => {
    const world = openWorld(1, { readTimeoutMs: 300 })
    await world.pass(10)
    const answer = vi.fn()
    void world.read(undefined, undefined, () => new Promise(() => {})).then(answer)
    await world.pass(250)
    expect(answer).not.toHaveBeenCalled()
    await world.pass(200)
    expect(answer).toHaveBeenCalledWith('primary')
  })

  it("hands on the database's answer when it is an error", async () => {
    const world = openWorld(1)
    await world.pass(10)
    const error = Object.assign(new Error('syntax error'), { code: '42601' })
    await expect(world.read(undefined, undefined, () => Promise.reject(error))).rejects.toBe(error)
    const missing = Object.assign(new Error('No record was found.'), { code: 'NO_RECORD' })
    await expect(world.read(undefined, undefined, () => Promise.reject(missing))).rejects.toBe(missing)
    expect(world.router.getStats().replicas[0]).toMatchObject({ failures: 0, isUp: true })
  })

  it.each(['42P01', '0A000', '40001', '25006', 'NO_TABLE'])(
    'asks the primary where a replica says %s, and goes on using it',
    async (code) => {
      const world = openWorld(2)
      await world.pass(10)
      const ask = vi.fn(() => Promise.reject(Object.assign(new Error(code), { code })))
      expect(await world.read(undefined, undefined, ask)).toBe('primary')
      expect(ask).toHaveBeenCalledTimes(1)
      expect(await world.read()).not.toBe('primary')
    },
  )

  it('does not read on a new connection to a server that is behind its reported position', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const scope = world.newScope()
    world.write(scope)
    world.replica.replayed = world.primary.inserted
    await world.pass(20)
    // It crashed, and begins again before the write.
    world.replica.replayed = 100_000
    const answer = await world.router.read<unknown>({
      scope,
      demand: undefined,
      askReplica: async (attempt) => {
        await attempt.admit(() => world.ask(world.replica))
        return 'old'
      },
      askPrimary: async () => 'primary',
    })
    expect(answer).toBe('primary')
    expect(await world.read(scope)).toBe('primary')
  })

  it('reads no new connection that leads to another server', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const answer = await world.router.read<unknown>({
      scope: undefined,
      demand: undefined,
      askReplica: async (attempt) => {
        await attempt.admit(() => world.ask({ ...world.replica, started: 'tuesday' }))
        return 'other'
      },
      askPrimary: async () => 'primary',
    })
    expect(answer).toBe('primary')
  })

  it('queries no positions while nothing is read', async () => {
    const world = openWorld(1)
    await world.pass(10_500)
    const before = world.primary.questions + world.replica.questions
    for (let i = 0; i < 10; i += 1) world.write()
    await world.pass(60_000)
    expect(world.primary.questions + world.replica.questions).toBe(before)
    // What is known is old by now.
    expect(await world.read()).toBe('primary')
    world.replica.replayed = world.primary.inserted
    await world.pass(110)
    expect(await world.read()).toBe(0)
  })

  it('is asked every 2 ms while it is wanted, and for 200 ms at most', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const scope = world.newScope()
    world.write(scope)
    await world.pass(10)
    const before = world.replica.questions
    await world.pass(100)
    expect(world.replica.questions - before).toBeGreaterThan(40)
    await world.pass(200)
    const later = world.replica.questions
    await world.pass(500)
    expect(world.replica.questions - later).toBeLessThan(7)
  })

  it('passes a consistency token to another process', async () => {
    const one = openWorld(1)
    await one.pass(10)
    const scope = one.newScope()
    one.write(scope)
    const text = one.scopes.enter(scope, () => one.routers.consistencyToken())
    await one.pass(20)
    expect(await text).toMatch(/^0:0\/[0-9A-F]+$/)
    closeWorld()
    const other = openWorld(1)
    await other.pass(10)
    const next = other.newScope()
    other.scopes.enter(next, () => void text.then((token) => other.routers.useConsistencyToken(token)))
    await other.pass(1)
    expect(await other.read(next)).toBe('primary')
    expect(await other.read(other.newScope())).toBe(0)
    other.primary.inserted = other.primary.written = other.replica.replayed = 200_000
    await other.pass(10)
    expect(await other.read(next)).toBe(0)
  })

  /** A scope that begins with what another one gave. */
  const taking = (world: ReturnType<typeof openWorld>, text: string, id?: string) => {
    const scope = world.newScope()
    world.scopes.enter(scope, () => world.routers.useConsistencyToken(text, id))
    return scope
  }

  it.each(['*', '0:*'])(
    'reads from the primary after taking over %s, until one position that was asked later is replayed',
    async (text) => {
      const world = openWorld(1)
      await world.pass(10)
      // Others wrote, and nobody here knows.
      world.primary.inserted += 100
      world.primary.written += 100
      const scope = taking(world, text)
      expect(await world.read(scope)).toBe('primary')
      expect(await world.read(world.newScope())).toBe(0)
      await world.pass(20)
      expect(await world.read(scope)).toBe('primary')
      world.replica.replayed = world.primary.inserted
      await world.pass(4)
      expect(await world.read(scope)).toBe(0)
      // What is written after that is none of its business.
      world.primary.inserted += 100
      world.primary.written += 100
      await world.pass(20)
      expect(await world.read(scope)).toBe(0)
    },
  )

  it('is not content with a position that was being asked for when one was taken over', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.primary.answersInMs = 50
    world.write()
    await world.pass(10)
    // It answers with where it was before this.
    world.primary.inserted += 100
    const scope = taking(world, '*')
    world.replica.replayed = 100_100
    await world.pass(45)
    expect(await world.read(scope)).toBe('primary')
    await world.pass(110)
    expect(await world.read(scope)).toBe('primary')
    world.replica.replayed = world.primary.inserted
    await world.pass(110)
    expect(await world.read(scope)).toBe(0)
  })

  it('asks for one position for all that take over the same', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.primary.inserted += 100
    world.primary.written += 100
    const scope = taking(world, '*', 'one')
    await world.pass(20)
    world.replica.replayed = world.primary.inserted
    await world.pass(4)
    // What others write meanwhile is none of its business.
    world.primary.inserted += 100
    world.primary.written += 100
    expect(await world.read(scope)).toBe(0)
    expect(await world.read(taking(world, '*', 'one'))).toBe(0)
    expect(await world.read(taking(world, '*', 'another'))).toBe('primary')
    expect(await world.read(taking(world, '*'))).toBe('primary')
    // It does not lower a required position.
    const writing = world.newScope()
    world.write(writing)
    world.scopes.enter(writing, () => world.routers.useConsistencyToken('*', 'one'))
    expect(await world.read(writing)).toBe('primary')
    expect(await world.read(taking(world, '?', 'one'))).toBe('primary')
  })

  it('trusts no replica for 30 s after taking over a write of unknown outcome', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const scope = taking(world, '?')
    for (let ms = 0; ms < 29_000; ms += 1_000) {
      await world.pass(1_000)
      expect(await world.read(scope)).toBe('primary')
    }
    await world.pass(2_000)
    await world.read(scope)
    await world.pass(20)
    expect(await world.read(scope)).toBe(0)
  })

  it('requires the positions that the reader took over for cached results', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.primary.inserted += 100
    world.primary.written += 100
    const scope = taking(world, '*')
    await world.pass(20)
    expect(await world.read(scope, 'kept')).toBe('primary')
    expect(await world.read(world.newScope(), 'kept')).toBe(0)
    world.replica.replayed = world.primary.inserted
    await world.pass(4)
    expect(await world.read(scope, 'kept')).toBe(0)
  })

  it('gives no position that it does not know', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.primary.fails = true
    const scope = world.newScope()
    world.write(scope)
    const token = vi.fn()
    void world.scopes.enter(scope, () => world.routers.consistencyToken()).then(token)
    await world.pass(3_000)
    expect(token).toHaveBeenCalledWith('0:*')
    world.scopes.enter(scope, () => world.writes.begin(world.effect)).end('unknown')
    expect(await world.scopes.enter(scope, () => world.routers.consistencyToken())).toBe('?')
  })

  it('returns the writes of a scope and its nested scopes synchronously, without taken-over ones', () => {
    const world = openWorld(1)
    const written = (scope: ReturnType<typeof world.newScope>) => world.scopes.enter(scope, () => world.routers.pendingConsistencyToken())
    const outer = taking(world, '*')
    expect(written(outer)).toBe('')
    const inner = world.newScope()
    world.scopes.enter(outer, () => world.scopes.opened(inner))
    world.scopes.enter(inner, () => world.writes.begin(world.effect)).end('rolled-back')
    expect(written(outer)).toBe('')
    world.write(inner)
    expect(written(outer)).toBe('*')
    world.scopes.enter(inner, () => world.writes.begin(world.effect)).end('unknown')
    world.write(inner)
    expect(written(outer)).toBe('?')
    expect(written(world.newScope())).toBe('')
    expect(world.routers.pendingConsistencyToken()).toBe('')
  })

  it('returns for how long a token is useful', () => {
    const { routers } = openWorld(1, { maxLagMs: 2_000 })
    expect(['', '*', '?'].map((token) => routers.consistencyTokenLifetimeMs(token as PendingConsistencyToken))).toEqual([0, 2_600, 32_600])
    routers.close()
    expect(routers.consistencyTokenLifetimeMs('*')).toBe(1_600)
  })

  it('takes over no other text', () => {
    const world = openWorld(1)
    world.scopes.enter(world.newScope(), () => {
      expect(() => world.routers.useConsistencyToken('nonsense')).toThrow('Argument "token"')
      expect(() => world.routers.useConsistencyToken('0:nonsense')).toThrow('Argument "token"')
    })
    expect(() => world.routers.useConsistencyToken('0:*')).toThrow('Argument "token"')
  })

  it('leaves no timers behind when it is closed, and reads from the primary', async () => {
    const world = openWorld(2)
    await world.pass(10)
    world.write()
    world.routers.close()
    await world.pass(0)
    expect(vi.getTimerCount()).toBe(0)
    expect(await world.read()).toBe('primary')
  })
})
