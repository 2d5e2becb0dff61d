import { randomBytes } from 'node:crypto'
import {
  type CacheStore,
  EVERY_TAG,
  type NewEntry,
  type Stamps,
  type StoreWatcher,
} from '@sluice/core/stores'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type StoreWorld, until } from './store-world.ts'

/** A watcher that records the notifications that it receives. */
class Log implements StoreWatcher {
  readonly tags: string[] = []
  losses = 0

  invalidated(tags: readonly string[]): void {
    this.tags.push(...tags)
  }

  lost(): void {
    this.losses += 1
  }

  clear(): void {
    this.tags.length = 0
    this.losses = 0
  }
}

/** Properties in which stores may differ. */
export interface StoreTraits {
  /** Whether the store notifies its watchers. */
  readonly tells?: boolean
  /** Periods may be rounded up to a multiple of this, and begin up to this late. */
  readonly granularityMs?: number
}

/**
 * The contract of every cache store. `setUp` creates a world that the tests share; each test has its own
 * tags, keys and handles.
 */
export function cacheStoreContract(
  name: string,
  setUp: () => Promise<StoreWorld>,
  { tells = true, granularityMs = 0 }: StoreTraits = {},
): void {
  describe(`cache store: ${name}`, () => {
    let world: StoreWorld
    let handles: CacheStore[] = []

    beforeAll(async () => {
      world = await setUp()
    })
    afterAll(() => world?.stop())
    afterEach(async () => {
      await Promise.all(handles.map((handle) => handle.close()))
      handles = []
    })

    const connect = (): CacheStore => {
      const handle = world.connect()
      handles.push(handle)
      return handle
    }
    /** Lets a period expire. */
    const outlast = (ms: number): Promise<void> => world.pass(ms + 20 + 2 * granularityMs)
    const unique = (): string => randomBytes(6).toString('hex')
    const tag = (): string => `public.city ${unique()}#set`
    const opened = (store: CacheStore, tags: readonly string[]): Promise<Stamps> =>
      until(world, () => store.open(tags))
    const stampsOf = async (store: CacheStore, tags: readonly string[]) => (await store.read(tags)).stamps
    const watched = async (store: CacheStore): Promise<Log> => {
      const log = new Log()
      store.watch(log)
      await store.ping()
      log.clear()
      return log
    }
    const times = { queriedAt: 1_700_000_000_000, ttlMs: 5_000, costMs: 1.5 }
    const entryOf = (value: unknown, tags: readonly string[], { epoch, stamps }: Stamps): NewEntry => ({
      value,
      tags,
      epoch,
      stamps,
      times,
    })
    const openedTag = async (store: CacheStore): Promise<readonly [readonly string[], Stamps]> => {
      const tags = [tag()]
      return [tags, await opened(store, tags)]
    }
    const newEntry = async (store: CacheStore, value: unknown): Promise<NewEntry> =>
      entryOf(value, ...(await openedTag(store)))

    describe('open and read', () => {
      it('has no stamp for a tag that was never opened', async () => {
        expect(await stampsOf(connect(), [tag()])).toEqual([undefined])
      })

      it('opens absent tags, and every handle reads the same stamps', async () => {
        const tags = [tag(), tag()]
        const stamps = await opened(connect(), tags)
        expect(stamps.stamps).toHaveLength(2)
        expect(await connect().read(tags)).toEqual({ ...stamps, entry: undefined })
      })

      it('does not change existing stamps', async () => {
        const [first, second] = [tag(), tag()]
        const store = connect()
        const before = await opened(store, [first])
        const after = await opened(connect(), [second, first])
        expect(after.stamps[1]).toBe(before.stamps[0])
        expect(after.epoch).toBe(before.epoch)
      })

      it('returns stamps in the order of the call, even if it contains a tag twice', async () => {
        const [first, second] = [tag(), tag()]
        const store = connect()
        const { stamps } = await opened(store, [first, second])
        expect(await stampsOf(store, [second, first, tag(), second])).toEqual([
          stamps[1],
          stamps[0],
          undefined,
          stamps[1],
        ])
      })

      it('uses the epoch as the stamp of the tag of everything', async () => {
        const store = connect()
        const { epoch } = await opened(store, [tag()])
        expect(await store.read([EVERY_TAG])).toMatchObject({ epoch, stamps: [epoch] })
        expect(await store.open([EVERY_TAG])).toEqual({ epoch, stamps: [epoch] })
      })

      it('returns the right result to each of several reads in one tick', async () => {
        const store = connect()
        const tags = Array.from({ length: 20 }, tag)
        const { stamps } = await opened(store, tags)
        const key = unique()
        await store.set(key, await newEntry(store, 'one'), 1_000)
        const answers = await Promise.all(
          tags.map((one, at) => store.read([one, tag()], at === 3 ? key : undefined)),
        )
        expect(answers.map((answer) => answer.stamps[0])).toEqual(stamps)
        expect(answers.map((answer) => answer.entry?.value())).toEqual(
          tags.map((_, at) => (at === 3 ? 'one' : undefined)),
        )
      })

      it('sends a read after the call, regardless of the number of reads in flight', async () => {
        const [reader, writer, one] = [connect(), connect(), tag()]
        for (let round = 0; round < 30; round += 1) {
          await opened(writer, [one])
          const earlier = Array.from({ length: 5 }, () => reader.read([one]))
          await new Promise((resolve) => setImmediate(resolve))
          await writer.begin([one], 'w')
          expect(await stampsOf(reader, [one])).toEqual([undefined])
          await Promise.all(earlier)
          await writer.end([one], 'w')
        }
      })
    })

    describe('begin and end', () => {
      it('deletes only the stamps of the given tags', async () => {
        const [one, two, other] = [tag(), tag(), tag()]
        const [writer, reader] = [connect(), connect()]
        const { stamps } = await opened(reader, [one, two, other])
        await writer.begin([one, two], 'w')
        expect(await stampsOf(reader, [one, two, other])).toEqual([undefined, undefined, stamps[2]])
      })

      it('opens no tag with an intent, and every tag without one', async () => {
        const [one, other] = [tag(), tag()]
        const [writer, reader] = [connect(), connect()]
        await opened(reader, [one])
        await writer.begin([one], 'w')
        expect(await reader.open([other, one])).toBeUndefined()
        expect(await stampsOf(reader, [one])).toEqual([undefined])
        expect(await reader.open([other])).toBeDefined()
      })

      it('sets new stamps at the end, and returns them', async () => {
        const tags = [tag(), tag()]
        const [writer, reader] = [connect(), connect()]
        const before = await opened(reader, tags)
        await writer.begin(tags, 'w')
        const after = await writer.end(tags, 'w')
        expect(after).toEqual({ epoch: before.epoch, stamps: await stampsOf(reader, tags) })
        expect(after?.stamps.some((stamp) => before.stamps.includes(stamp))).toBe(false)
      })

      it('sets a stamp at the end of a write to a tag without a stamp', async () => {
        const one = tag()
        const writer = connect()
        await opened(writer, [])
        await writer.begin([one], 'w')
        const ended = await writer.end([one], 'w')
        expect(ended?.stamps[0]).toEqual(expect.any(String))
        expect(await stampsOf(writer, [one])).toEqual(ended?.stamps)
      })

      it('leaves a tag closed until its last writer has ended', async () => {
        const one = tag()
        const [first, second, reader] = [connect(), connect(), connect()]
        await opened(reader, [one])
        await first.begin([one], 'first')
        await second.begin([one], 'second')
        expect(await first.end([one], 'first')).toBeUndefined()
        expect(await stampsOf(reader, [one])).toEqual([undefined])
        expect(await reader.open([one])).toBeUndefined()
        expect((await second.end([one], 'second'))?.stamps).toEqual(await stampsOf(reader, [one]))
      })

      it('sets stamps for those tags of a write that have no other writer', async () => {
        const [shared, own] = [tag(), tag()]
        const [first, second] = [connect(), connect()]
        await opened(first, [shared, own])
        await second.begin([shared], 'second')
        await first.begin([shared, own], 'first')
        expect(await first.end([shared, own], 'first')).toBeUndefined()
        expect(await stampsOf(first, [shared, own])).toEqual([undefined, expect.any(String)])
      })

      it('leaves a tag closed, and closes it again, at an end without an intent', async () => {
        const one = tag()
        const [writer, reader] = [connect(), connect()]
        await opened(reader, [one])
        expect(await writer.end([one], 'nobody')).toBeUndefined()
        expect(await stampsOf(reader, [one])).toEqual([undefined])
      })

      it('ends an intent only once', async () => {
        const one = tag()
        const writer = connect()
        await opened(writer, [one])
        await writer.begin([one], 'w')
        expect(await writer.end([one], 'w')).toBeDefined()
        expect(await writer.end([one], 'w')).toBeUndefined()
      })

      it('never uses a stamp twice', async () => {
        const one = tag()
        const writer = connect()
        const seen: (string | undefined)[] = []
        for (let round = 0; round < 20; round += 1) {
          seen.push(...(await opened(writer, [one])).stamps)
          await writer.begin([one], 'w')
          if (round % 2 === 0) seen.push(...((await writer.end([one], 'w'))?.stamps ?? []))
          else await writer.end([one], 'another')
          await writer.end([one], 'w')
        }
        const changes = seen.filter((stamp, at) => stamp !== seen[at - 1])
        expect(new Set(changes).size).toBe(changes.length)
        for (const stamp of seen) expect(stamp?.length).toBeGreaterThanOrEqual(11)
      })
    })

    describe('leases', () => {
      it('opens a tag again when the lease of its writer has expired', async () => {
        const one = tag()
        const [writer, reader] = [connect(), connect()]
        const before = await opened(reader, [one])
        await writer.begin([one], 'dead')
        expect(await reader.open([one])).toBeUndefined()
        const after = await until(world, () => reader.open([one]), 3 * world.leaseMs)
        expect(after.stamps[0]).not.toBe(before.stamps[0])
      })

      it('closes the tag once more when its writer ends after its lease expired', async () => {
        const one = tag()
        const [writer, reader] = [connect(), connect()]
        await opened(reader, [one])
        await writer.begin([one], 'late')
        await until(world, () => reader.open([one]), 3 * world.leaseMs)
        expect(await writer.end([one], 'late')).toBeUndefined()
        expect(await stampsOf(reader, [one])).toEqual([undefined])
      })

      it('removes an intent with an expired lease when another ends', async () => {
        const one = tag()
        const [dead, writer] = [connect(), connect()]
        await opened(writer, [one])
        await dead.begin([one], 'dead')
        expect(await writer.open([one])).toBeUndefined()
        await outlast(world.leaseMs)
        await writer.begin([one], 'w')
        expect(await writer.end([one], 'w')).toBeDefined()
      })

      it.each(['renew', 'begin'] as const)(
        'keeps a tag closed as long as its writer calls %s',
        async (how) => {
          const one = tag()
          const [writer, reader] = [connect(), connect()]
          await opened(reader, [one])
          await writer.begin([one], 'w')
          for (let round = 0; round < 6; round += 1) {
            await world.pass(world.leaseMs / 4)
            expect((await writer[how]([one], 'w')) ?? true).toBe(true)
            expect(await reader.open([one])).toBeUndefined()
          }
          expect(await writer.end([one], 'w')).toBeDefined()
        },
      )

      it('renews none of the intents that are gone or owned by another writer, and all others', async () => {
        const [held, other] = [tag(), tag()]
        const [writer, reader] = [connect(), connect()]
        await opened(reader, [held, other])
        await writer.begin([held], 'w')
        for (let round = 0; round < 6; round += 1) {
          await world.pass(world.leaseMs / 4)
          expect(await writer.renew([held, other], 'w')).toBe(false)
          expect(await writer.renew([held], 'another')).toBe(false)
        }
        expect(await reader.open([held])).toBeUndefined()
        expect(await reader.open([other])).toBeDefined()
      })

      it('does not renew an intent with an expired lease', async () => {
        const one = tag()
        const writer = connect()
        await opened(writer, [one])
        await writer.begin([one], 'w')
        expect(await writer.open([one])).toBeUndefined()
        await outlast(world.leaseMs)
        expect(await writer.renew([one], 'w')).toBe(false)
      })
    })

    describe('every tag', () => {
      it('has no epoch while a write to everything is in flight, and opens nothing', async () => {
        const one = tag()
        const [writer, reader] = [connect(), connect()]
        await opened(reader, [one])
        await writer.begin([EVERY_TAG], 'w')
        expect((await reader.read([one])).epoch).toBeUndefined()
        expect(await reader.open([one])).toBeUndefined()
        expect(await reader.open([])).toBeUndefined()
        expect((await reader.read([one])).epoch).toBeUndefined()
        await writer.end([EVERY_TAG], 'w')
      })

      it('has a new epoch immediately after the end, without a quarantine', async () => {
        const one = tag()
        const [writer, reader] = [connect(), connect()]
        const before = await opened(reader, [one])
        await writer.begin([EVERY_TAG, one], 'w')
        const ended = await writer.end([EVERY_TAG, one], 'w')
        expect(ended?.epoch).not.toBe(before.epoch)
        expect(ended?.stamps[0]).toBe(ended?.epoch)
        const after = await reader.open([one])
        expect(after).toEqual({ epoch: ended?.epoch, stamps: [ended?.stamps[1]] })
      })

      it('waits for the last writer of everything', async () => {
        const [first, second] = [connect(), connect()]
        await opened(first, [])
        await first.begin([EVERY_TAG], 'first')
        await second.begin([EVERY_TAG], 'second')
        expect(await first.end([EVERY_TAG], 'first')).toBeUndefined()
        expect(await first.open([])).toBeUndefined()
        expect(await second.end([EVERY_TAG], 'second')).toBeDefined()
        expect(await first.open([])).toBeDefined()
      })

      it('lets other writers end their writes meanwhile, without an epoch', async () => {
        const one = tag()
        const [every, writer] = [connect(), connect()]
        await opened(every, [one])
        await writer.begin([one], 'w')
        await every.begin([EVERY_TAG], 'every')
        expect(await writer.end([one], 'w')).toBeUndefined()
        expect(await stampsOf(writer, [one])).toEqual([expect.any(String)])
        await every.end([EVERY_TAG], 'every')
      })

      it('has a new epoch when the lease of a writer of everything has expired', async () => {
        const [writer, reader] = [connect(), connect()]
        const before = await opened(reader, [])
        await writer.begin([EVERY_TAG], 'dead')
        expect(await reader.open([])).toBeUndefined()
        const after = await until(world, () => reader.open([]), 3 * world.leaseMs)
        expect(after.epoch).not.toBe(before.epoch)
        expect(await writer.end([EVERY_TAG], 'dead')).toBeUndefined()
        expect((await opened(reader, [])).epoch).not.toBe(after.epoch)
      })
    })

    describe.skipIf(!tells)('watchers', () => {
      it('notifies every handle when a write begins, including that of the writer', async () => {
        const tags = [tag(), `a "quoted" name\n${tag()}`]
        const [writer, other] = [connect(), connect()]
        const logs = [await watched(writer), await watched(other)]
        await writer.begin(tags, 'w')
        await Promise.all([writer.ping(), other.ping()])
        for (const log of logs) expect(log.tags).toEqual(tags)
        await writer.end(tags, 'w')
      })

      it('has delivered all notifications before a ping when the ping is answered', async () => {
        const [writer, other] = [connect(), connect()]
        const log = await watched(other)
        for (let round = 0; round < 30; round += 1) {
          const one = tag()
          await writer.begin([one], 'w')
          await other.ping()
          expect(log.tags).toContain(one)
        }
      })

      it('notifies again only if an intent was gone at the end', async () => {
        const one = tag()
        const [writer, other] = [connect(), connect()]
        const log = await watched(other)
        await opened(writer, [one])
        await writer.begin([one], 'w')
        await writer.end([one], 'w')
        await other.ping()
        expect(log.tags).toEqual([one])
        await writer.end([one], 'w')
        await other.ping()
        expect(log.tags).toEqual([one, one])
      })

      it('reports the loss of everything for a write to everything', async () => {
        const [writer, other] = [connect(), connect()]
        const log = await watched(other)
        await writer.begin([EVERY_TAG], 'w')
        await other.ping()
        expect(log.losses).toBe(1)
        await writer.end([EVERY_TAG], 'w')
      })

      it('does not notify a handle that stopped watching', async () => {
        const [writer, other] = [connect(), connect()]
        const log = new Log()
        const stop = other.watch(log)
        await other.ping()
        log.clear()
        stop()
        await writer.begin([tag()], 'w')
        await other.ping()
        expect(log.tags).toEqual([])
      })
    })

    it('answers a ping without watchers', async () => {
      await connect().ping()
    })

    describe('loss of the state', () => {
      it('opens nothing during the quarantine, then with a new epoch', async () => {
        const one = tag()
        const reader = connect()
        const before = await opened(reader, [one])
        await world.lose()
        expect(await reader.read([one])).toEqual({ epoch: undefined, stamps: [undefined], entry: undefined })
        expect(await reader.open([one])).toBeUndefined()
        await world.pass(world.quarantineMs / 2)
        expect(await reader.open([one])).toBeUndefined()
        const after = await opened(reader, [one])
        expect(after.epoch).not.toBe(before.epoch)
        expect(after.stamps).not.toEqual(before.stamps)
      })

      it('lets a writer detect that its intent is gone, and declare it again', async () => {
        const one = tag()
        const [writer, reader] = [connect(), connect()]
        await opened(reader, [one])
        await writer.begin([one], 'w')
        await world.lose()
        expect(await reader.open([one])).toBeUndefined()
        expect(await writer.renew([one], 'w')).toBe(false)
        await writer.begin([one], 'w')
        await opened(reader, [])
        expect(await reader.open([one])).toBeUndefined()
        expect(await writer.end([one], 'w')).toBeDefined()
      })

      it('sets no stamps at the end while other writers may be unknown', async () => {
        const one = tag()
        const writer = connect()
        await opened(writer, [one])
        await world.lose()
        await writer.begin([one], 'before the quarantine')
        expect(await writer.end([one], 'before the quarantine')).toBeUndefined()
        expect(await stampsOf(writer, [one])).toEqual([undefined])
        expect(await writer.open([one])).toBeUndefined()
        await writer.begin([one], 'in the quarantine')
        expect(await writer.end([one], 'in the quarantine')).toBeUndefined()
        expect(await stampsOf(writer, [one])).toEqual([undefined])
        await opened(writer, [one])
      })

      it('gets no epoch from the end of a write to everything during the quarantine', async () => {
        const writer = connect()
        await opened(writer, [])
        await world.lose()
        await writer.begin([EVERY_TAG], 'w')
        expect(await writer.end([EVERY_TAG], 'w')).toBeUndefined()
        expect((await writer.read([])).epoch).toBeUndefined()
        expect(await writer.open([])).toBeUndefined()
        await opened(writer, [])
      })

      it('is not hidden by writes to everything, begun before or after it', async () => {
        const [first, second, reader] = [connect(), connect(), connect()]
        await opened(reader, [])
        await first.begin([EVERY_TAG], 'first')
        await world.lose()
        await second.begin([EVERY_TAG], 'second')
        expect(await second.end([EVERY_TAG], 'second')).toBeUndefined()
        expect(await reader.open([])).toBeUndefined()
        expect(await first.end([EVERY_TAG], 'first')).toBeUndefined()
        expect((await reader.read([])).epoch).toBeUndefined()
        expect(await reader.open([])).toBeUndefined()
        await opened(reader, [])
      })

      it('keeps a tag closed if its writer was forgotten, regardless of concurrent writes to everything', async () => {
        const one = tag()
        const [writer, other, reader] = [connect(), connect(), connect()]
        await opened(reader, [one])
        await writer.begin([one], 'w')
        await other.begin([EVERY_TAG], 'before')
        await world.lose()
        expect(await other.end([EVERY_TAG], 'before')).toBeUndefined()
        await other.begin([EVERY_TAG], 'after')
        expect(await other.end([EVERY_TAG], 'after')).toBeUndefined()
        expect(await reader.open([one])).toBeUndefined()
        expect(await writer.renew([one], 'w')).toBe(false)
        await writer.begin([one], 'w')
        await opened(reader, [])
        expect(await reader.open([one])).toBeUndefined()
        expect(await writer.end([one], 'w')).toBeDefined()
      })

      it.skipIf(!tells)('notifies again of a write whose intent was lost', async () => {
        const one = tag()
        const [writer, other] = [connect(), connect()]
        await opened(writer, [one])
        await writer.begin([one], 'w')
        await world.lose()
        const log = await watched(other)
        expect(await writer.end([one], 'w')).toBeUndefined()
        await other.ping()
        expect(log.tags).toEqual([one])
        await opened(writer, [one])
      })
    })

    describe('entries', () => {
      it('returns the stored entry to every handle', async () => {
        const tags = [tag(), tag()]
        const [store, other, key] = [connect(), connect(), `city\n${unique()} — ключ`]
        const stamps = await opened(store, tags)
        expect(await store.set(key, entryOf({ id: 1, name: 'Oslo' }, tags, stamps), 5_000)).toBe(true)
        const state = await other.read(tags, key)
        expect({ ...state.entry, value: undefined }).toEqual({ ...stamps, tags, times, value: undefined })
        expect(state.entry?.value()).toEqual({ id: 1, name: 'Oslo' })
        expect(state.stamps).toEqual(stamps.stamps)
      })

      it('replaces existing entries, and removes entries on request', async () => {
        const [store, key, other] = [connect(), unique(), unique()]
        const [tags, stamps] = await openedTag(store)
        await store.set(key, entryOf(1, tags, stamps), 5_000)
        await store.set(key, entryOf(2, tags, stamps), 5_000)
        await store.set(other, entryOf(3, tags, stamps), 5_000)
        expect((await store.read([], key)).entry?.value()).toBe(2)
        await store.delete([key, unique()])
        await store.delete([])
        expect((await store.read([], key)).entry).toBeUndefined()
        expect((await store.read([], other)).entry?.value()).toBe(3)
      })

      it('keeps stamps when entries are removed', async () => {
        const [store, key, one] = [connect(), unique(), tag()]
        const stamps = await opened(store, [one])
        await store.set(key, entryOf(1, [one], stamps), 5_000)
        await store.delete([key])
        await store.clear()
        expect(await store.read([one])).toMatchObject(stamps)
      })

      it('removes every entry', async () => {
        const [store, keys] = [connect(), Array.from({ length: 50 }, unique)]
        const [tags, stamps] = await openedTag(store)
        await Promise.all(keys.map((key) => store.set(key, entryOf(key, tags, stamps), 5_000)))
        await connect().clear()
        for (const key of keys) expect((await store.read([], key)).entry).toBeUndefined()
      })

      it('expires an entry after its lifetime', async () => {
        const [store, short, long] = [connect(), unique(), unique()]
        const [tags, stamps] = await openedTag(store)
        await store.set(long, entryOf(1, tags, stamps), 60_000)
        await store.set(short, entryOf(2, tags, stamps), 100)
        await outlast(100)
        expect((await store.read([], short)).entry).toBeUndefined()
        expect((await store.read([], long)).entry?.value()).toBe(1)
      })

      it.each([0, -1, Number.NaN])('stores nothing for %s ms', async (ms) => {
        const [store, key] = [connect(), unique()]
        expect(await store.set(key, await newEntry(store, 1), ms)).toBe(false)
        expect((await store.read([], key)).entry).toBeUndefined()
      })

      it('is not affected by later changes to the value on either side', async () => {
        const [store, key] = [connect(), unique()]
        const value = { list: [1], bytes: Buffer.from([1]), at: new Date(0), map: new Map([['a', { b: 1 }]]) }
        const kept = store.set(key, await newEntry(store, value), 5_000)
        value.list.push(2)
        value.bytes[0] = 9
        value.at.setTime(9)
        value.map.clear()
        await kept
        const change = async () => {
          const first = (await store.read([], key)).entry?.value() as typeof value
          expect(first).toEqual({
            list: [1],
            bytes: Buffer.from([1]),
            at: new Date(0),
            map: new Map([['a', { b: 1 }]]),
          })
          first.list.push(3)
          first.bytes[0] = 8
        }
        await change()
        await change()
        const entry = (await store.read([], key)).entry
        expect(entry?.value()).not.toBe(entry?.value())
      })

      it.each([
        ['a function', () => {}],
        ['a symbol', Symbol('s')],
        ['an instance of a class', new (class City {})()],
        ['something of these deep inside', { a: [new Map([['b', { c: () => {} }]])] }],
        ['an accessor', Object.defineProperty({}, 'a', { get: () => 1, enumerable: true })],
        ['a cycle', cyclic()],
      ])('does not store %s', async (_, value) => {
        const [store, key] = [connect(), unique()]
        const [tags, stamps] = await openedTag(store)
        await store.set(key, entryOf('before', tags, stamps), 5_000)
        expect(await store.set(key, entryOf(value, tags, stamps), 5_000)).toBe(false)
      })

      it.each(valuesWithTypes)('preserves %s', async (_, value) => {
        const [store, key] = [connect(), unique()]
        expect(await store.set(key, await newEntry(store, { value }), 5_000)).toBe(true)
        const whole = (await store.read([], key)).entry?.value() as { value: unknown } | undefined
        expect(whole).toHaveProperty('value')
        const back = whole?.value
        expect(back).toStrictEqual(value)
        expect(Object.getPrototypeOf(Object(back))).toBe(Object.getPrototypeOf(Object(value)))
      })
    })

    describe('claims', () => {
      it('grants a key to one claimant at a time', async () => {
        const [first, second, key] = [connect(), connect(), unique()]
        expect(await first.claim(key, 'first', 5_000)).toBe(true)
        expect(await second.claim(key, 'second', 5_000)).toBe(false)
        expect(await second.claim(unique(), 'second', 5_000)).toBe(true)
      })

      it('can be released only by its holder', async () => {
        const [first, second, key] = [connect(), connect(), unique()]
        await first.claim(key, 'first', 5_000)
        await second.release(key, 'second')
        expect(await second.claim(key, 'second', 5_000)).toBe(false)
        await first.release(key, 'first')
        expect(await second.claim(key, 'second', 5_000)).toBe(true)
      })

      it('expires on its own', async () => {
        const [first, second, key] = [connect(), connect(), unique()]
        await first.claim(key, 'first', 50)
        await outlast(50)
        expect(await second.claim(key, 'second', 5_000)).toBe(true)
        await first.release(key, 'first')
        expect(await first.claim(key, 'first', 5_000)).toBe(false)
      })

      it('is no entry', async () => {
        const [store, key] = [connect(), unique()]
        await store.claim(key, 'first', 5_000)
        expect((await store.read([], key)).entry).toBeUndefined()
      })
    })

    describe('close', () => {
      it('rejects calls after it, and can be called twice', async () => {
        const [store, other] = [connect(), connect()]
        const log = tells ? await watched(store) : new Log()
        await store.close()
        await store.close()
        await expect(store.read([])).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
        await expect(store.begin([tag()], 'w')).rejects.toMatchObject({ code: 'SLUICE_CLOSED' })
        await other.begin([tag()], 'w')
        await other.ping()
        expect(log.tags).toEqual([])
      })

      it('keeps the state for other handles', async () => {
        const [store, other, one] = [connect(), connect(), tag()]
        const stamps = await opened(store, [one])
        await store.close()
        expect(await other.read([one])).toMatchObject(stamps)
      })
    })
  })
}

function cyclic(): unknown {
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  return cycle
}

const valuesWithTypes: readonly (readonly [string, unknown])[] = [
  ['null', null],
  ['undefined', undefined],
  ['-0', -0],
  ['NaN', Number.NaN],
  ['infinity', [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]],
  ['a large integer', Number.MAX_SAFE_INTEGER],
  ['a small big integer', 7n],
  ['a big integer', -(2n ** 200n)],
  ['a date', new Date('2026-02-03T04:05:06.789Z')],
  ['a date before 1970', new Date(-123_456_789_012)],
  ['an invalid date', new Date(Number.NaN)],
  ['a Buffer', Buffer.from([0, 1, 255])],
  ['a Uint8Array', new Uint8Array([0, 1, 255])],
  [
    'a map',
    new Map<unknown, unknown>([
      [1, new Map([['a', undefined]])],
      [new Date(1), 'date'],
    ]),
  ],
  ['a set', new Set<unknown>([1, '1', 1n, new Set([undefined])])],
  ['fields that are undefined', { a: undefined, b: null }],
  ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
  ['strings from all Unicode planes', ['', 'é', '漢字', '😀', '\u0000', 'a'.repeat(70_000)]],
  [
    'rows',
    Array.from({ length: 100 }, (_, id) => ({ id, name: `city ${id}`, at: new Date(id), area: id / 3 })),
  ],
]
