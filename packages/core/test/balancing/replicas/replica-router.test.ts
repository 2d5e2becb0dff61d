import { afterEach, describe, expect, it, vi } from 'vitest'
import type { PendingConsistencyToken } from '../../../src/balancing/replicas/replica-routers.ts'
import { closeWorld, openWorld } from './replica-world.ts'

afterEach(closeWorld)

const lost = () =>
  Promise.reject(Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' }))

describe('ReplicaRouter', () => {
  it('reads from the primary until both it and the replica have reported their positions', async () => {
    const world = openWorld(1)
    expect(await world.read()).toBe('primary')
    await world.pass(10)
    expect(await world.read()).toBe(0)
    expect(world.reasons()).toMatchObject({ 'no-replica': 1 })
  })

  it('distributes reads over replicas', async () => {
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

  it('does not use a position that was queried before the write ended', async () => {
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

  it('lets only other scopes read from the replica until it has replayed the write', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.write(world.newScope())
    await world.pass(20)
    expect(await world.read(world.newScope())).toBe(0)
    expect(await world.read()).toBe('primary')
  })

  it('applies writes of nested scopes to their outer scope', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const outer = world.newScope('outer')
    const inner = world.newScope('inner')
    world.scopes.enter(outer, () => world.scopes.opened(inner))
    world.write(inner)
    await world.pass(20)
    expect(await world.read(outer)).toBe('primary')
  })

  it('checks reads for the cache against all writes of the process', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.write(world.newScope())
    await world.pass(20)
    const other = world.newScope()
    expect(await world.read(other)).toBe(0)
    expect(await world.read(other, 'kept')).toBe('primary')
  })

  it('reads results for a shared store from the primary', async () => {
    const world = openWorld(1, {}, true)
    await world.pass(10)
    expect(await world.read(undefined, 'kept')).toBe('primary')
    expect(await world.read()).toBe(0)
    expect(world.reasons().cached).toBe(1)
  })

  it('reads from the primary when the read requires it', async () => {
    const world = openWorld(1)
    await world.pass(10)
    expect(await world.read(undefined, 'primary')).toBe('primary')
    expect(world.reasons().forced).toBe(1)
  })

  it('includes transactions at their commit, and ignores rolled back ones', async () => {
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

  it('reads from the primary when the replication lag may exceed the limit', async () => {
    const world = openWorld(1, { maxLagMs: 500 })
    await world.pass(10)
    // Other processes write, and the replica does not replay it.
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

  it('reports no lag while nothing is written', async () => {
    const world = openWorld(1)
    for (let i = 0; i < 100; i += 1) {
      await world.pass(100)
      await world.read()
    }
    expect(world.router.getStats().replicas[0]?.lagMs).toBe(0)
    expect(await world.read()).toBe(0)
  })

  it('uses no replica when the primary no longer reports its position', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.primary.fails = true
    await world.pass(900)
    expect(await world.read()).toBe(0)
    await world.pass(300)
    expect(await world.read()).toBe('primary')
    expect(world.errors).toHaveLength(1)
  })

  it('reports no query that failed because it was closed', async () => {
    const world = openWorld(1)
    world.primary.answersInMs = 50
    await world.pass(300)
    const { questions } = world.primary
    await world.read()
    for (let tries = 0; world.primary.questions === questions && tries < 50; tries += 1) {
      await world.read()
      await world.pass(10)
    }
    expect(world.primary.questions).toBe(questions + 1)
    world.primary.fails = true
    world.routers.close()
    await world.pass(1_000)
    expect(world.errors).toEqual([])
    expect(world.primary.questions).toBe(questions + 1)
  })

  it('does not read from a server that is not a replica', async () => {
    const world = openWorld(1)
    world.replica.replayed = null
    await world.pass(500)
    expect(await world.read()).toBe('primary')
    expect(world.warnings).toEqual(
      Array(world.warnings.length).fill(
        'The replica replica-1:1 of knex1 is not read from. It is not a replica: it is not in recovery.',
      ),
    )
  })

  it('does not read from a replica that is ahead of its primary, which lost data', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const scope = world.newScope()
    world.write(scope, 1_000)
    world.replica.replayed = world.primary.inserted
    await world.pass(20)
    expect(await world.read(scope)).toBe(0)
    // The primary crashed, and has written something else since.
    world.primary.written = 100_500
    world.primary.inserted = 100_500
    await world.pass(250)
    const before = world.reasons()['no-replica']
    expect(await world.read()).toBe('primary')
    expect(world.reasons()['no-replica']).toBe(before + 1)
    expect(world.warnings).toEqual([
      'The replica replica-1:1 of knex1 is not read from. It has replayed what its primary does not have.',
    ])
    expect(world.router.getStats().replicas[0]?.lagMs).toBe(Number.POSITIVE_INFINITY)
    world.replica.replayed = 100_500
    await world.pass(210)
    expect(await world.read()).toBe(0)
    // No server has the position of the earlier write, so it is no longer required.
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

  it('uses replicas of a new primary after they have replayed its position', async () => {
    const world = openWorld(1, {}, false, 'mysql')
    await world.pass(10)
    world.write()
    world.replica.replayed = world.primary.inserted
    await world.pass(20)
    expect(await world.read()).toBe(0)
    // Another server continues after the position of the old one. This process does not write.
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

  it('does not read from a replica that follows a different server, regardless of its position', async () => {
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
    expect(() => world.scopes.enter(scope, () => world.routers.useConsistencyToken('0:0-2'))).toThrow(
      'Argument "token"',
    )
  })

  it('retries on another replica, then on the primary, when a replica fails', async () => {
    const world = openWorld(2)
    await world.pass(10)
    const asked: number[] = []
    const answer = await world.read(undefined, undefined, (index) => {
      asked.push(index)
      return asked.length === 1 ? lost() : Promise.resolve(index)
    })
    expect(asked).toHaveLength(2)
    expect(answer).toBe(asked[1])
    // A failed replica is not used again until it responds to a position query.
    await world.read(undefined, undefined, lost)
    expect(await world.read()).toBe('primary')
    expect(world.reasons()).toMatchObject({ failed: 1, 'no-replica': 1 })
  })

  it('uses a replica again after it responds', async () => {
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

  it('pauses longer each time when reads fail although the replica responds', async () => {
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

  it('counts concurrent failures of reads as one', async () => {
    const world = openWorld(1)
    await world.pass(10)
    await Promise.all(Array.from({ length: 50 }, () => world.read(undefined, undefined, lost)))
    await world.pass(110)
    expect(await world.read()).toBe(0)
    expect(world.router.getStats().replicas[0]?.failures).toBe(50)
  })

  it('stops waiting for a replica that hangs', async () => {
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

  it('stops waiting for a read that takes too long, even if the replica responds', async () => {
    const world = openWorld(1, { readTimeoutMs: 300 })
    await world.pass(10)
    const answer = vi.fn()
    void world.read(undefined, undefined, () => new Promise(() => {})).then(answer)
    await world.pass(250)
    expect(answer).not.toHaveBeenCalled()
    await world.pass(200)
    expect(answer).toHaveBeenCalledWith('primary')
  })

  it('rejects with the error of the database', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const error = Object.assign(new Error('syntax error'), { code: '42601' })
    await expect(world.read(undefined, undefined, () => Promise.reject(error))).rejects.toBe(error)
    const missing = Object.assign(new Error('No record was found.'), { code: 'NO_RECORD' })
    await expect(world.read(undefined, undefined, () => Promise.reject(missing))).rejects.toBe(missing)
    expect(world.router.getStats().replicas[0]).toMatchObject({ failures: 0, isUp: true })
  })

  it.each(['42P01', '0A000', '40001', '25006', 'NO_TABLE'])(
    'retries on the primary after %s from a replica, and keeps using the replica',
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
    // It crashed, and restarts with a state before the write.
    world.replica.replayed = 100_000
    const answer = await world.router.read<unknown>({
      scope,
      demand: undefined,
      onReplica: async (attempt) => {
        await attempt.admit(() => world.ask(world.replica))
        return 'old'
      },
      onPrimary: async () => 'primary',
    })
    expect(answer).toBe('primary')
    expect(await world.read(scope)).toBe('primary')
  })

  it('does not read on a new connection to a different server', async () => {
    const world = openWorld(1)
    await world.pass(10)
    const answer = await world.router.read<unknown>({
      scope: undefined,
      demand: undefined,
      onReplica: async (attempt) => {
        await attempt.admit(() => world.ask({ ...world.replica, started: 'tuesday' }))
        return 'other'
      },
      onPrimary: async () => 'primary',
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
    // The known positions have expired.
    expect(await world.read()).toBe('primary')
    world.replica.replayed = world.primary.inserted
    await world.pass(110)
    expect(await world.read()).toBe(0)
  })

  it('queries a replica every 2 ms while it is needed, for at most 200 ms', async () => {
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

  /** A scope that starts with a consistency token. */
  const taking = (world: ReturnType<typeof openWorld>, text: string, id?: string) => {
    const scope = world.newScope()
    world.scopes.enter(scope, () => world.routers.useConsistencyToken(text, id))
    return scope
  }

  it.each(['*', '0:*'])(
    'reads from the primary after using token %s, until the replica has replayed a position that is queried later',
    async (text) => {
      const world = openWorld(1)
      await world.pass(10)
      // Other processes wrote, and this process was not notified.
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
      // Later writes do not affect this scope.
      world.primary.inserted += 100
      world.primary.written += 100
      await world.pass(20)
      expect(await world.read(scope)).toBe(0)
    },
  )

  it('does not use a position whose query was already in flight when a token was used', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.primary.answersInMs = 50
    world.write()
    await world.pass(10)
    // The response contains the position before this write.
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

  it('queries one position for all scopes with the same token ID', async () => {
    const world = openWorld(1)
    await world.pass(10)
    world.primary.inserted += 100
    world.primary.written += 100
    const scope = taking(world, '*', 'one')
    await world.pass(20)
    world.replica.replayed = world.primary.inserted
    await world.pass(4)
    // Writes by other processes do not affect this scope.
    world.primary.inserted += 100
    world.primary.written += 100
    expect(await world.read(scope)).toBe(0)
    expect(await world.read(taking(world, '*', 'one'))).toBe(0)
    expect(await world.read(taking(world, '*', 'another'))).toBe('primary')
    expect(await world.read(taking(world, '*'))).toBe('primary')
    // A token never lowers the required position.
    const writing = world.newScope()
    world.write(writing)
    world.scopes.enter(writing, () => world.routers.useConsistencyToken('*', 'one'))
    expect(await world.read(writing)).toBe('primary')
    expect(await world.read(taking(world, '?', 'one'))).toBe('primary')
  })

  it('uses no replica for 30 s after a token of a write with unknown outcome', async () => {
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

  it('applies the token of the reader to cached results', async () => {
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

  it('returns a wildcard token when the position is unknown', async () => {
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

  it('returns the writes of a scope and its nested scopes synchronously, without used tokens', () => {
    const world = openWorld(1)
    const written = (scope: ReturnType<typeof world.newScope>) =>
      world.scopes.enter(scope, () => world.routers.pendingConsistencyToken())
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

  it('returns the lifetime of a consistency token', () => {
    const { routers } = openWorld(1, { maxLagMs: 2_000 })
    expect(
      ['', '*', '?'].map((token) => routers.consistencyTokenLifetimeMs(token as PendingConsistencyToken)),
    ).toEqual([0, 2_600, 32_600])
    routers.close()
    expect(routers.consistencyTokenLifetimeMs('*')).toBe(1_600)
  })

  it('throws for an invalid consistency token', () => {
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
