import { afterEach, describe, expect, it } from 'vitest'
import type { ReplicaOptions } from '../../../src/balancing/replicas/replica-options.ts'
import { InvalidOptionError } from '../../../src/shared/errors.ts'
import { closeWorld, openWorld } from './replica-world.ts'

afterEach(closeWorld)

const region = { local: 'eu-west', rttMs: { 'eu-north': 30, 'us-east': 80 } }

function worldOf(places: readonly string[], options: ReplicaOptions = {}) {
  return openWorld(places.length, { balancer: { region }, ...options }, false, 'postgresql', places)
}

/** The targets of 12 reads. */
async function targets(world: ReturnType<typeof worldOf>, scope = world.newScope()): Promise<unknown[]> {
  const seen = new Set<unknown>()
  for (let at = 0; at < 12; at += 1) seen.add(await world.read(scope))
  return [...seen].sort()
}

describe('ReplicaRouter with regions', () => {
  it('reads from the replicas of the nearest region', async () => {
    const world = worldOf(['us-east', 'eu-north', 'eu-west', 'eu-west'])
    await world.pass(10)
    expect(await targets(world)).toEqual([2, 3])
    expect(world.router.getStats().replicas.map((replica) => replica.region)).toEqual([
      'us-east',
      'eu-north',
      'eu-west',
      'eu-west',
    ])
  })

  it('does not start slowly in the local region when the process starts', async () => {
    const world = worldOf(['eu-west', 'eu-north'])
    await world.read()
    await world.pass(10)
    const places = await Promise.all(Array.from({ length: 15 }, () => world.read()))
    expect(places).toEqual(Array(15).fill(0))
  })

  it('reads from the next region while the local replicas have not replayed a write', async () => {
    const world = worldOf(['eu-west', 'eu-west', 'us-east', 'eu-north'])
    await world.pass(10)
    const scope = world.newScope()
    world.write(scope)
    await world.pass(10)
    expect(await targets(world, scope)).toEqual(['primary'])
    for (const at of [2, 3]) (world.replicas[at] as { replayed: number }).replayed = world.primary.inserted
    await world.pass(10)
    expect(await targets(world, scope)).toEqual([3])
    // Other scopes do not require the write.
    expect(await targets(world)).toEqual([0, 1])
    for (const at of [0, 1]) (world.replicas[at] as { replayed: number }).replayed = world.primary.inserted
    await world.pass(10)
    expect(await targets(world, scope)).toEqual([0, 1])
  })

  it('reads from the next region when the lag of the local replicas may exceed the limit', async () => {
    const world = worldOf(['eu-west', 'eu-west', 'eu-north'], { maxLagMs: 500 })
    await world.pass(10)
    for (let ms = 0; ms < 700; ms += 50) {
      world.primary.written += 10
      world.primary.inserted += 10
      ;(world.replicas[2] as { replayed: number }).replayed = world.primary.written
      await world.read()
      await world.pass(50)
    }
    expect(await targets(world)).toEqual([2])
  })

  it('reads from the next region when no local replica responds, and from the primary after the last', async () => {
    const world = worldOf(['eu-west', 'eu-north'])
    await world.pass(10)
    const lost = Object.assign(new Error('lost'), { code: 'ECONNRESET' })
    const tried: number[] = []
    const read = (fails: readonly number[]) =>
      world.read(undefined, undefined, async (index) => {
        tried.push(index)
        if (fails.includes(index)) throw lost
        return index
      })
    expect(await read([0])).toBe(1)
    expect(tried).toEqual([0, 1])
    await world.pass(200)
    expect(await read([0, 1])).toBe('primary')
  })

  it('reads from the primary before replicas that are further away', async () => {
    const world = worldOf(['us-east', 'eu-west'], { primaryRegion: 'eu-north' })
    await world.pass(10)
    expect(await targets(world)).toEqual([1])
    ;(world.replicas[1] as { state: string }).state = 'fails'
    await world.pass(200)
    expect(await targets(world)).toEqual(['primary'])
    expect(world.reasons().nearer).toBe(12)
  })

  it('reads from replicas in the region of the primary before the primary', async () => {
    const world = worldOf(['us-east', 'eu-west'], { primaryRegion: 'us-east' })
    await world.pass(10)
    ;(world.replicas[1] as { state: string }).state = 'fails'
    await world.pass(200)
    expect(await targets(world)).toEqual([0])
    const local = worldOf(['eu-west', 'eu-north'], { primaryRegion: 'eu-west' })
    await local.pass(10)
    expect(await targets(local)).toEqual([0])
  })

  it('reads from any replica before a primary of unknown region', async () => {
    const world = worldOf(['us-east'])
    await world.pass(10)
    expect(await targets(world)).toEqual([0])
  })

  it('measures distances that are not configured', async () => {
    const world = worldOf(['far', 'near', 'eu-west'], {
      balancer: { region: { local: 'eu-west' } },
      primaryRegion: 'mid',
    })
    type Server = (typeof world)['replicas'][number]
    const [far, near, local] = world.replicas as [Server, Server, Server]
    far.answersInMs = 80
    near.answersInMs = 20
    world.primary.answersInMs = 50
    local.state = 'fails'
    await world.read()
    await world.pass(500)
    expect(await targets(world)).toEqual([1])
    near.state = 'fails'
    await world.pass(500)
    expect(await targets(world)).toEqual(['primary'])
    expect(world.reasons().nearer).toBe(12)
  })

  it('orders regions by measured distances', async () => {
    const world = worldOf(['far', 'near'], { balancer: { region: { local: 'eu-west' } } })
    for (const [at, ms] of [80, 20].entries())
      (world.replicas[at] as { answersInMs: number }).answersInMs = ms
    await world.read()
    await world.pass(500)
    expect(await targets(world)).toEqual([1])
  })

  it.each([
    ['sends some reads to the next region', 'us-east', [0, 1]],
    ['sends no reads to the primary', 'eu-west', [0]],
  ])('%s when there are too many in flight', async (_, primaryRegion, expected) => {
    const world = worldOf(['eu-west', 'eu-north'], { primaryRegion })
    await world.pass(10)
    const ends: (() => void)[] = []
    const seen = new Set<number>()
    const reads = Array.from({ length: 20 }, () =>
      world.read(undefined, undefined, (index) => {
        seen.add(index)
        return new Promise((resolve) => ends.push(() => resolve(index)))
      }),
    )
    expect([...seen].sort()).toEqual(expected)
    for (const end of ends) end()
    expect(await Promise.all(reads)).not.toContain('primary')
    expect(world.router.balancer.getClusterStats().activeConnections).toBe(0)
  })

  it.each<[readonly string[], ReplicaOptions, string]>([
    [['eu-west'], { balancer: {} }, 'balancer.region'],
    [[], { balancer: {}, primaryRegion: 'eu-west' }, 'balancer.region'],
    [[], {}, 'replicas[0].region'],
    [['eu-west'], { balancer: { region: { ...region, zone: 'a' } } }, 'replicas[0].zone'],
    [['eu-west'], { primaryRegion: '' }, 'primaryRegion'],
    [['eu-west'], { balancer: { region: { local: '' } } }, 'balancer.region.local'],
  ])('rejects replicas in %o with %o', (places, options, name) => {
    const open = () => openWorld(1, { balancer: { region }, ...options }, false, 'postgresql', places)
    expect(open).toThrow(InvalidOptionError)
    expect(open).toThrow(`"${name}"`)
  })
})
