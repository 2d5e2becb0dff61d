import type { Dialect, ShadowDifference } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { Sluice } from '../../src/sluice/sluice.ts'
import { read, turn } from '../helpers.ts'

const shape = { fingerprint: 'fp:read', label: 'read', kind: 'read' } as const

const late = { maxBytes: () => 1_000_000, strategy: (): 'round-robin' => 'round-robin' }

/** A process whose reads of one query are batched, and may be answered wrongly. */
class World {
  readonly differences: ShadowDifference[] = []
  readonly queries: string[] = []
  readonly unseenClients = new Map<Dialect, string>()
  readonly sluice = new Sluice(
    { mode: 'optimize', cache: false },
    { ...late, precautions: { guardedReads: 4, unseenClients: this.unseenClients } },
  )
  /** The batched result of a key. */
  batched: (key: string) => unknown = (key) => [`row ${key}`]
  bare: (key: number) => unknown = (key) => [`row ${key}`]
  /** Called before a batch is answered. */
  inBatch: () => void = () => {}

  constructor() {
    onTestFinished(() => this.sluice.close())
    this.sluice.on('shadowDifference', (difference) => this.differences.push(difference))
  }

  find(key: number): Promise<unknown> {
    const operation = read({
      key,
      run: async () => {
        this.queries.push(`one ${key}`)
        const found = this.bare(key)
        if (found instanceof Error) throw found
        return found
      },
      runMany: async (keys) => {
        this.queries.push(`batch of ${keys.length}`)
        this.inBatch()
        return new Map(keys.map(({ text }, index) => [text, this.batched(String(index + 1))]))
      },
      cache: { key: `q${key}`, tables: ['t'] },
    })
    return hostOf(this.sluice).execute({ ...operation, shape })
  }

  /** Reads two keys at the same time, and returns what was sent for them. */
  async load(): Promise<{ readonly answers: readonly unknown[]; readonly sent: readonly string[] }> {
    this.queries.length = 0
    const settled = await this.sluice.run(() => Promise.allSettled([this.find(1), this.find(2)]))
    await turn()
    const answers = settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason))
    return { answers, sent: [...this.queries].sort() }
  }
}

afterEach(() => void vi.restoreAllMocks())

describe('the first reads of a query', () => {
  it('are answered by their own queries, and later ones by batches', async () => {
    const world = new World()
    for (let times = 0; times < 2; times += 1)
      expect(await world.load()).toEqual({
        answers: [['row 1'], ['row 2']],
        sent: ['batch of 2', 'one 1', 'one 2'],
      })
    expect(await world.load()).toEqual({ answers: [['row 1'], ['row 2']], sent: ['batch of 2'] })
    expect(world.sluice.queries.getStats()).toMatchObject({ shadowed: 4, shadowDifferences: 0 })
  })

  it('cost nothing when they are sent individually', async () => {
    const world = new World()
    for (let times = 0; times < 9; times += 1) await world.sluice.run(() => world.find(1))
    expect(world.queries).toHaveLength(9)
  })

  it('show a difference, after which the query is never batched again', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const world = new World()
    world.batched = () => ['wrong']
    const bare = { answers: [['row 1'], ['row 2']] }
    expect(await world.load()).toMatchObject(bare)
    world.batched = (key) => [`row ${key}`]
    for (let times = 0; times < 9; times += 1)
      expect(await world.load()).toEqual({ ...bare, sent: ['one 1', 'one 2'] })
    expect(world.differences).toMatchObject([{ label: 'read', answeredBy: 'batch', first: { path: '[0]' } }])
    expect(warned).toHaveBeenCalledOnce()
    expect(warned.mock.calls[0]).toMatchObject([
      expect.stringContaining('no longer batches this query'),
      { code: 'SLUICE_BATCH_DIFFERED' },
    ])
    expect(world.sluice.queries.getStats().passedThrough).toMatchObject({ DIFFERED_BEFORE: 18 })
  })

  it('return the errors of their own queries', async () => {
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const world = new World()
    world.bare = (key) => new Error(`refused ${key}`)
    const { answers } = await world.load()
    expect(answers).toEqual([new Error('refused 1'), new Error('refused 2')])
    expect(world.differences).toHaveLength(1)
  })

  it('are not sent again after a write, which their callers do not expect to see', async () => {
    const world = new World()
    const { writes } = hostOf(world.sluice)
    world.inBatch = () => void writes.begin({ tables: new Set(['t']), everything: false }).end('committed')
    expect((await world.load()).sent).toEqual(['batch of 2'])
  })

  it('are sent individually during a write', async () => {
    const world = new World()
    const { writes } = hostOf(world.sluice)
    const write = writes.begin({ tables: new Set(['t']), everything: false })
    expect((await world.load()).sent).toEqual(['one 1', 'one 2'])
    write.end('committed')
    expect((await world.load()).sent[0]).toBe('batch of 2')
  })
})

describe('reads of a dialect of which a client is unseen', () => {
  it('are sent unchanged from then on, with one warning', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const world = new World()
    world.unseenClients.set('postgresql', 'pg.Pool')
    expect((await world.load()).sent[0]).toBe('batch of 2')
    world.unseenClients.set('sqlite', 'better-sqlite3')
    for (let times = 0; times < 2; times += 1) expect((await world.load()).sent).toEqual(['one 1', 'one 2'])
    expect(warned).toHaveBeenCalledOnce()
    expect(warned.mock.calls[0]).toMatchObject([
      expect.stringContaining('does not see the statements of better-sqlite3'),
      { code: 'SLUICE_UNSEEN_CLIENT' },
    ])
    expect(world.sluice.queries.getStats().passedThrough).toMatchObject({ UNSEEN_CLIENT: 4 })
  })
})
