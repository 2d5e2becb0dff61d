import type { CacheStore, StoredEntry, StoreState, StoreWatcher } from '@sluice/core/stores'
import { afterEach, describe, expect, it } from 'vitest'
import { SharedReads } from '../../../src/cache/coherence/shared-reads.ts'
import { type TagSnapshot, TagTable } from '../../../src/cache/coherence/tag-table.ts'
import { FakeClock, turn } from '../../helpers.ts'
import { Fleet } from '../fleet.ts'

const TAGS = ['t#set', 'u#set']
const STATE: StoreState = { epoch: 'e', stamps: ['1', '2'], entry: undefined }

const entryOf = (tags: readonly string[], stamps: readonly string[], epoch = 'e'): StoredEntry => {
  return { epoch, tags, stamps, times: { queriedAt: 0, ttlMs: 1, costMs: 1 }, value: () => 1 }
}

/** A reader whose store responds on demand. */
class Reader {
  readonly clock = new FakeClock()
  readonly table = new TagTable(this.clock)
  hasPending = false
  watcher: StoreWatcher | undefined
  answer: ((state: StoreState) => void) | undefined
  readonly reads: SharedReads

  constructor() {
    const store = {
      watch: (watcher: StoreWatcher) => {
        this.watcher = watcher
        return () => {}
      },
      ping: () => Promise.resolve(),
      read: () =>
        new Promise<StoreState>((resolve) => {
          this.answer = resolve
        }),
    } as unknown as CacheStore
    const hasPending = () => this.hasPending
    const writes = {
      get hasPending() {
        return hasPending()
      },
      settle: () => Promise.resolve(),
    }
    const onError = (error: unknown) => {
      throw error
    }
    this.reads = new SharedReads(this.table, writes, {
      store,
      clock: this.clock,
      maxStalenessMs: 1_000,
      onError,
    })
  }

  snapshot(): TagSnapshot {
    return this.table.snapshot(TAGS) as TagSnapshot
  }

  get known() {
    return this.reads.known(this.snapshot(), TAGS, this.clock.now())
  }

  /**
   * Queries the state.
   *
   * @param meanwhile - Runs before the response arrives.
   */
  async look(meanwhile: () => void = () => {}, state = STATE): Promise<void> {
    const looked = this.reads.look(TAGS, undefined, this.snapshot())
    await turn()
    meanwhile()
    this.answer?.(state)
    await looked
  }
}

describe('known stamps of tags', () => {
  let reader: Reader
  const open = async () => {
    reader = new Reader()
    await turn()
    return reader
  }
  afterEach(() => reader.reads.close())

  it('are those of the last look', async () => {
    const { table } = await open()
    expect(reader.known).toBeUndefined()
    await reader.look()
    expect(reader.known).toEqual({ epoch: 'e', tags: TAGS, stamps: ['1', '2'] })
    table.raise(['another'])
    expect(reader.known).toBeDefined()
  })

  it('are unknown after a message about one of the tags', async () => {
    const { table } = await open()
    for (const tell of [() => table.raise(['u#set']), () => table.raise(['*']), () => table.raiseAll()]) {
      await reader.look()
      expect(reader.known).toBeDefined()
      tell()
      expect(reader.known).toBeUndefined()
    }
  })

  it('are unknown after a look during which such a message arrived', async () => {
    const { table } = await open()
    await reader.look(() => table.raise(['u#set']))
    expect(reader.known).toBeUndefined()
  })

  it('are unknown after a write of this process', async () => {
    const { table } = await open()
    await reader.look()
    table.end(table.begin(['t#set']), 'committed')
    expect(reader.known).toBeUndefined()
  })

  it('are unknown while the store has no stamp for one of the tags, or a different epoch', async () => {
    await open()
    await reader.look(undefined, { ...STATE, stamps: ['1', undefined] })
    expect(reader.known).toBeUndefined()
    await reader.look()
    await reader.look(undefined, { ...STATE, epoch: 'f', stamps: ['1', undefined] })
    expect(reader.known).toBeUndefined()
  })

  it('are unknown while memory is not trusted', async () => {
    await open()
    await reader.look()
    reader.hasPending = true
    expect(reader.known).toBeUndefined()
    reader.hasPending = false
    reader.clock.advance(1_001)
    expect(reader.known).toBeUndefined()
    await open()
    await reader.look()
    reader.watcher?.lost()
    expect(reader.known).toBeUndefined()
  })

  it('decide whether an entry is valid without another call to the store', async () => {
    await open()
    await reader.look()
    const [permit, snapshot] = [reader.known, reader.snapshot()]
    if (permit === undefined) throw new Error('Expected a permit.')
    const accepts = (entry: StoredEntry | undefined, epoch = 'e') =>
      reader.reads.accepted({ epoch, stamps: [], entry }, permit, snapshot)
    for (const entry of [
      undefined,
      entryOf(TAGS, ['1', '2']),
      entryOf(['u#set', 't#set'], ['2', '1']),
      entryOf(['u#set'], ['2']),
    ])
      expect(accepts(entry)).toEqual(entry ?? 'absent')
    expect(accepts(entryOf(TAGS, ['1', '3']))).toBeUndefined()
    expect(accepts(entryOf(['t#set', 'other'], ['1', '2']))).toBeUndefined()
    expect(accepts(entryOf(TAGS, ['1', '2'], 'before'))).toBeUndefined()
    expect(
      reader.reads.accepted(
        { epoch: undefined, stamps: [], entry: entryOf(TAGS, ['1', '2']) },
        permit,
        snapshot,
      ),
    ).toBeUndefined()
    expect(accepts(entryOf(TAGS, ['1', '2']), 'f')).toBeUndefined()
    expect(reader.known).toBeUndefined()
  })

  it('reject an entry after a message that arrived while the entry was read', async () => {
    const { table } = await open()
    await reader.look()
    const [permit, snapshot] = [reader.known, reader.snapshot()]
    if (permit === undefined) throw new Error('Expected a permit.')
    table.raise(['t#set'])
    expect(
      reader.reads.accepted({ epoch: 'e', stamps: [], entry: entryOf(TAGS, ['1', '2']) }, permit, snapshot),
    ).toBeUndefined()
  })
})

describe('a fleet without memory for results', () => {
  const open: Fleet[] = []
  afterEach(async () => {
    for (const made of open.splice(0)) await made.close()
  })
  const start = (consistency: 'strict' | 'bounded') => {
    const made = new Fleet()
    open.push(made)
    const options = { consistency, maxBytes: 1, maxStalenessMs: 1_000 }
    return { made, a: made.start(options), b: made.start(options) }
  }
  const knownHits = ({ sluice }: ReturnType<Fleet['start']>) => sluice.getResultStats()?.knownHits

  it('reads only entries in bounded mode, until another process writes', async () => {
    const { made, a, b } = start('bounded')
    await a.get()
    await turn()
    for (let times = 0; times < 3; times += 1) expect(await b.get()).toEqual({ value: 1 })
    expect(knownHits(b)).toBe(2)
    expect(made.database.asked).toBe(1)
    await a.set(2)
    for (let times = 0; times < 3; times += 1) expect(await b.get()).toEqual({ value: 2 })
    expect(made.database.asked).toBe(2)
  })

  it('stores a loaded result with the known stamps, without querying them', async () => {
    const { made, a, b } = start('bounded')
    await b.get()
    await turn()
    const [reads, opens] = [b.faults.calls.get('read') ?? 0, b.faults.calls.get('open')]
    const other = { cache: { key: 'other', tables: ['t'] } }
    await b.get(other)
    expect([b.faults.calls.get('read'), b.faults.calls.get('open')]).toEqual([reads + 1, opens])
    await turn()
    await a.get(other)
    expect(made.database.asked).toBe(2)
  })

  it('trusts known stamps no longer than maxStalenessMs without a response from the store', async () => {
    const { made, a, b } = start('bounded')
    await b.get()
    await turn()
    b.faults.isDeaf = true
    b.faults.failing.add('ping')
    await a.set(2)
    expect(await b.get()).toEqual({ value: 1 })
    made.clock.advance(1_001)
    expect(await b.get()).toEqual({ value: 2 })
  })

  it('queries the stamps of tags with each read in strict mode', async () => {
    const { a, b } = start('strict')
    await a.get()
    await turn()
    for (let times = 0; times < 3; times += 1) await b.get()
    expect(knownHits(b)).toBe(0)
  })
})
