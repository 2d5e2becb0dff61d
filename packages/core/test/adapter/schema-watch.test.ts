import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { SchemaWatch, type WatchedSource } from '../../src/adapter/schema-watch.ts'
import { SchemaCatalog } from '../../src/schema/catalog.ts'
import { CatalogRegistry } from '../../src/schema/catalog-registry.ts'
import type { Connection } from '../../src/schema/connection.ts'
import type { Dialect } from '../../src/sql/dialect.ts'

const catalogOf = (fingerprint: string, databases?: readonly string[]) =>
  new SchemaCatalog({
    dialect: databases === undefined ? 'sqlite' : 'mysql',
    defaultSchema: 'main',
    tables: [],
    foreignKeys: [],
    fingerprint,
    ...(databases && { databases }),
  })
const catalog = catalogOf('a')

class World {
  readonly catalogs = new CatalogRegistry()
  readonly log: string[] = []
  schema = 'a'
  /** Replace it to delay the response or never send one. */
  query: Connection['query'] = async () => [{ fingerprint: this.schema }]
  isCurrent = true
  dialect: Dialect = 'sqlite'
  isTold = true
  isOptimizing = true
  readonly watch: SchemaWatch

  constructor(schemaCheckMs: number | false = 1_000) {
    const source: WatchedSource = {
      id: 'one',
      isCurrent: () => this.isCurrent,
      query: (work) => {
        this.log.push('ask')
        return work({ dialect: this.dialect, query: (sql) => this.query(sql) })
      },
      changed: async () => {
        this.log.push('changed')
        return this.isTold
      },
      lost: () => void this.log.push('lost'),
    }
    this.watch = new SchemaWatch(
      {
        catalogs: this.catalogs,
        schemaCheckMs,
        isOptimizing: () => this.isOptimizing,
        now: () => performance.now(),
      },
      source,
    )
    this.catalogs.set('one', catalog, this.catalogs.generations.current)
    this.watch.start(catalogOf('a'), performance.now())
  }

  get isTrusted(): boolean {
    return this.catalogs.catalog('sqlite') !== undefined
  }

  /** Advances time, with or without use of the catalog. */
  async pass(ms: number, isUsed = true): Promise<void> {
    for (let passed = 0; passed < ms; passed += 500) {
      if (isUsed) this.catalogs.of('one')
      await vi.advanceTimersByTimeAsync(500)
    }
  }

  taken(): string[] {
    return this.log.splice(0)
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('SchemaWatch', () => {
  it('compares the schema once per interval while the catalog is used', async () => {
    const world = new World()
    await world.pass(3_000)
    expect(world.taken()).toEqual(['ask', 'ask', 'ask'])
    expect(world.isTrusted).toBe(true)
    world.schema = 'b'
    await world.pass(1_000)
    expect(world.taken()).toEqual(['ask', 'changed'])
  })

  it('compares the schema of every database that the catalog describes', async () => {
    const world = new World()
    const sent: string[] = []
    world.query = async (sql) => {
      sent.push(sql)
      return [{ fingerprint: 'a' }]
    }
    world.watch.start(catalogOf('a', ['main', 'other']), performance.now())
    world.dialect = 'mysql'
    await world.pass(1_000)
    expect(sent.at(-1)).toContain(Buffer.from('other').toString('hex'))
  })

  it('sends no query when checks are off', async () => {
    const world = new World(false)
    world.watch.wake()
    await world.pass(60_000)
    expect(world.taken()).toEqual([])
    expect(world.isTrusted).toBe(true)
  })

  it('does not trust a catalog whose last check was sent two intervals ago, until a check is answered', async () => {
    const world = new World()
    await world.pass(1_000)
    let answer = (): void => {}
    world.query = () => new Promise((resolve) => (answer = () => resolve([{ fingerprint: 'a' }])))
    await world.pass(1_500)
    expect(world.isTrusted).toBe(true)
    await world.pass(500)
    expect(world.isTrusted).toBe(false)
    await world.pass(5_000)
    expect(world.taken()).toEqual(['ask', 'ask'])
    answer()
    await vi.advanceTimersByTimeAsync(0)
    expect(world.isTrusted).toBe(true)
  })

  it('does not count the time in which the event loop was blocked', async () => {
    const world = new World()
    await world.pass(500)
    world.query = () => new Promise(() => {})
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 5_000)
    onTestFinished(() => void vi.restoreAllMocks())
    await world.pass(500)
    expect(world.taken()).toEqual(['ask'])
    expect(world.isTrusted).toBe(true)
  })

  it('does not query an idle database, and checks the schema before the catalog is used again', async () => {
    const world = new World()
    await world.pass(40_000, false)
    expect(world.taken().length).toBeLessThanOrEqual(30)
    expect(world.isTrusted).toBe(false)
    await world.pass(60_000, false)
    expect(world.taken()).toEqual([])
    world.watch.wake()
    expect(world.isTrusted).toBe(false)
    await vi.advanceTimersByTimeAsync(0)
    expect(world.taken()).toEqual(['ask'])
    expect(world.isTrusted).toBe(true)
    await world.pass(2_000)
    expect(world.taken()).toEqual(['ask', 'ask'])
  })

  it('detects a change that happened while the catalog was not used', async () => {
    const world = new World()
    await world.pass(40_000, false)
    world.taken()
    world.schema = 'b'
    world.watch.wake()
    await vi.advanceTimersByTimeAsync(0)
    expect(world.taken()).toEqual(['ask', 'changed'])
    expect(world.isTrusted).toBe(false)
  })

  it('discards a catalog when its database does not respond for two intervals', async () => {
    const world = new World()
    world.query = () => Promise.reject(new Error('gone'))
    await world.pass(1_500)
    expect(world.taken()).toEqual(['ask'])
    await world.pass(1_000)
    expect(world.taken()).toEqual(['lost'])
  })

  it('checks less often when responses are slow, except after one that waited', async () => {
    const world = new World()
    const slow = (ms: number) => () =>
      new Promise<{ fingerprint: string }[]>((resolve) =>
        setTimeout(() => resolve([{ fingerprint: 'a' }]), ms),
      )
    world.query = slow(10)
    await world.pass(11_000)
    // 200 times the response time of 10 ms.
    expect(world.taken().length).toBe(6)
    world.query = slow(400)
    await world.pass(2_000)
    world.query = slow(10)
    await world.pass(10_000)
    expect(world.taken().length).toBeGreaterThanOrEqual(4)
  })

  it('reports a change again when other processes could not be notified', async () => {
    const world = new World()
    world.isTold = false
    world.schema = 'b'
    await world.pass(1_000)
    expect(world.taken()).toEqual(['ask', 'changed'])
    // The catalog was read again.
    world.watch.start(catalogOf('b'), performance.now())
    world.isTold = true
    await world.pass(1_000)
    expect(world.taken()).toEqual(['ask', 'changed'])
    await world.pass(1_000)
    expect(world.taken()).toEqual(['ask'])
  })

  it('ignores a change that this process made, which the reader handles', async () => {
    const world = new World()
    world.isCurrent = false
    world.schema = 'b'
    await world.pass(3_000)
    expect(world.taken()).toEqual([])
  })

  it('ignores a response from before a change that this process made', async () => {
    const world = new World()
    world.query = async () => {
      world.catalogs.generations.beginDefinition()(true)
      return [{ fingerprint: 'b' }]
    }
    await world.pass(1_000)
    expect(world.taken()).toEqual(['ask'])
  })

  it('stops with the catalog, and does not run while nothing is optimized', async () => {
    const world = new World()
    world.isOptimizing = false
    await world.pass(1_000)
    expect(world.taken()).toEqual([])
    expect(world.isTrusted).toBe(false)
    world.watch.start(catalogOf('a'), performance.now())
    world.watch.stop()
    world.watch.wake()
    world.isOptimizing = true
    await world.pass(5_000)
    expect(world.taken()).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })
})
