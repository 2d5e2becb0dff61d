import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SchemaWatch, type WatchedSource } from '../../src/adapter/schema-watch.ts'
import { SoleWriter } from '../../src/pipeline/sole-writer.ts'
import { SchemaCatalog } from '../../src/schema/catalog.ts'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'

const catalog = new SchemaCatalog({
  dialect: 'postgresql',
  defaultSchema: 'public',
  tables: [],
  foreignKeys: [],
  fingerprint: 'a',
})

/** A client of PostgreSQL whose statements are answered immediately. */
class World {
  readonly catalogs = new CatalogRegistry()
  readonly log: string[] = []
  all = 'true'
  standby = false
  fails = false
  readonly soleWriter = new SoleWriter({
    dialect: 'postgresql',
    ttlMs: 1_000,
    now: () => performance.now(),
  })
  readonly watch: SchemaWatch

  constructor(schemaCheckMs = 1_000) {
    const source: WatchedSource = {
      id: 'one',
      isCurrent: () => true,
      query: (work) =>
        work({
          dialect: 'postgresql',
          query: async (sql) => {
            const [isFingerprint, isPoll, isFirst] = ['"fingerprint"', '"counter"', '"all"'].map((name) =>
              sql.includes(name),
            )
            this.log.push(isFirst ? 'first' : isFingerprint ? (isPoll ? 'both' : 'fingerprint') : 'poll')
            await Promise.resolve()
            if (this.fails) throw new Error('there is no such function')
            return [{ fingerprint: 'a', counter: '7:7:', server: `1${this.standby}`, all: this.all }]
          },
        }),
      changed: async () => true,
      lost: () => {},
      soleWriter: this.soleWriter,
    }
    const host = {
      catalogs: this.catalogs,
      schemaCheckMs,
      isOptimizing: () => true,
      now: () => performance.now(),
    }
    this.watch = new SchemaWatch(host, source)
    this.catalogs.set('one', catalog, this.catalogs.generations.current)
    this.watch.start(catalog, performance.now())
  }

  /** Advances time, with or without requests for expired results. */
  async pass(ms: number, isRequested = true): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      this.catalogs.of('one')
      if (isRequested) this.soleWriter.requested(performance.now())
      await vi.advanceTimersByTimeAsync(50)
    }
  }

  taken(): string[] {
    return this.log.splice(0)
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('CounterPolls', () => {
  it('sends no separate poll after the first one if the schema is compared as often', async () => {
    const world = new World()
    await world.pass(6_000)
    const sent = world.taken()
    expect(sent.filter((what) => what === 'first')).toHaveLength(1)
    expect(sent).not.toContain('poll')
    expect(sent.filter((what) => what === 'both').length).toBeGreaterThanOrEqual(5)
    expect(sent.slice(sent.indexOf('both'))).not.toContain('fingerprint')
    const queriedAt = performance.now()
    await world.pass(3_000)
    expect(world.soleWriter.until(queriedAt, performance.now())).toBeGreaterThan(performance.now())
  })

  it('polls alone while the schema is compared less often', async () => {
    const world = new World(10_000)
    await world.pass(6_000)
    expect(world.taken()).toEqual(['first', 'poll', 'poll', 'poll', 'poll', 'poll'])
  })

  it('ends a while after the last expired result, and begins again', async () => {
    const world = new World(60_000)
    await world.pass(950)
    await world.pass(10_000, false)
    expect(world.taken()).toEqual(['first', 'poll', 'poll'])
    await world.pass(100)
    expect(world.taken()).toEqual(['poll'])
    await world.pass(1_900)
    expect(world.taken()).toEqual(['poll', 'poll'])
  })

  it('polls no more if the server has no counter, or one that does not count all writes', async () => {
    const without = new World(60_000)
    without.fails = true
    await without.pass(4_000)
    expect(without.taken()).toEqual(['first'])
    const other = new World(60_000)
    other.all = 'false'
    await other.pass(4_000)
    expect(other.taken()).toEqual(['first'])
    // After a change of the schema, it may.
    other.all = 'true'
    other.watch.start(catalog, performance.now())
    await other.pass(2_000)
    expect(other.taken()).toEqual(['first', 'poll'])
  })

  it('forgets the chain if the catalog is dropped', async () => {
    const world = new World()
    await world.pass(2_000)
    expect(world.soleWriter.covers(performance.now())).toBe(true)
    world.watch.stop()
    expect(world.soleWriter.covers(performance.now())).toBe(false)
    world.taken()
    await world.pass(5_000)
    expect(world.taken()).toEqual([])
  })

  it('proves nothing any more after a poll that a standby answered', async () => {
    const world = new World()
    await world.pass(2_000)
    world.standby = true
    await world.pass(2_000)
    world.standby = false
    await world.pass(2_000)
    expect(world.soleWriter.covers(performance.now())).toBe(false)
  })

  it('repeats a poll soon, a few times, if transactions were in flight', async () => {
    const world = new World(60_000)
    await world.pass(1_000)
    world.soleWriter.reset()
    const own = world.soleWriter.begin()
    world.taken()
    await world.pass(950)
    expect(world.taken()).toEqual(Array.from({ length: 6 }, () => 'poll'))
    own?.end('committed')
    await world.pass(1_000)
    expect(world.soleWriter.covers(performance.now())).toBe(true)
  })
})
