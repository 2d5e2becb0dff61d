import { createSluice, type Sluice, type SluiceOptions } from '@sluice/core'
import type { Lookup, LookupKey } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { describe, expect, it } from 'vitest'
import { FakeTable, read, touching, turn, write } from '../../helpers.ts'
import { MemoryDatabase } from '../prefetch/memory-database.ts'

const optimizing = (options: SluiceOptions = {}): Sluice =>
  createSluice({ mode: 'optimize', cache: false, ...options })

function reader(sluice: Sluice, table: FakeTable, group = 'table') {
  const host = hostOf(sluice)
  return (id: unknown) =>
    host.execute(
      read({
        key: id,
        group,
        run: () => table.find(id),
        runMany: (keys) => table.findMany(keys.map((key) => key.values[0])),
      }),
    )
}

const rows = (count: number) => Array.from({ length: count }, (_, at) => ({ id: at + 1, name: `n${at + 1}` }))

describe('batching', () => {
  it('batches lookups of one tick into one query', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(5))
    const find = reader(sluice, table)
    const found = await sluice.run(() => Promise.all([1, 2, 5].map(find)))
    expect(found).toEqual([table.rows[0], table.rows[1], table.rows[4]])
    expect(table.queries).toEqual(['many 1,2,5'])
    expect(sluice.queries.getStats()).toMatchObject({ seen: 3, executed: 1, batched: 2, batches: 1 })
  })

  it('sends a single lookup unchanged', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(2))
    expect(await sluice.run(() => reader(sluice, table)(2))).toEqual(table.rows[1])
    expect(table.queries).toEqual(['one 2'])
  })

  it('fetches equal keys once and returns a separate value to each caller', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(2))
    const find = reader(sluice, table)
    const [a, b, c] = await sluice.run(() => Promise.all([find(1), find(1), find(2)]))
    expect(table.queries).toEqual(['many 1,2'])
    expect(a).toEqual(b)
    expect(a).not.toBe(b)
    expect(c).toEqual(table.rows[1])
  })

  it('does not batch across scopes', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(2))
    const find = reader(sluice, table)
    await Promise.all([sluice.run(() => find(1)), sluice.run(() => find(2))])
    expect(table.queries).toEqual(['one 1', 'one 2'])
  })

  it('does not batch across contexts, even in one scope', async () => {
    let tenant = 'a'
    const sluice = optimizing({ context: () => tenant })
    const table = new FakeTable(rows(4))
    const find = reader(sluice, table)
    await sluice.run(() => {
      const first = [find(1), find(2)]
      tenant = 'b'
      return Promise.all([...first, find(3), find(4)])
    })
    expect(table.queries).toEqual(['many 1,2', 'many 3,4'])
  })

  it('runs lookups individually when their results cannot be copied', async () => {
    class Interval {
      hours = 1
    }
    const sluice = optimizing()
    const host = hostOf(sluice)
    const find = (id: number) => {
      const runMany = async (keys: readonly LookupKey[]) =>
        new Map(keys.map((key) => [key.text, new Interval()]))
      const operation = read({ key: id, group: 'table', run: async () => new Interval(), runMany })
      return host.execute({
        ...operation,
        lookup: () => ({ ...(operation.lookup?.() as Lookup), copy: () => undefined }),
      })
    }
    const [one, same] = await sluice.run(() => Promise.all([find(1), find(1), find(2)]))
    expect(one).toBeInstanceOf(Interval)
    expect(same).toBeInstanceOf(Interval)
    expect(same).not.toBe(one)
  })

  it('does not batch outside of a scope', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(2))
    const find = reader(sluice, table)
    await Promise.all([find(1), find(2)])
    expect(table.queries).toEqual(['one 1', 'one 2'])
    expect(sluice.queries.getStats().passedThrough).toEqual({ 'batch:NO_SCOPE': 2 })
  })

  it('does not batch lookups of different groups', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(2))
    await sluice.run(() => Promise.all([reader(sluice, table, 'a')(1), reader(sluice, table, 'b')(2)]))
    expect(table.queries).toEqual(['one 1', 'one 2'])
  })

  it('does not batch keys of different types', async () => {
    const sluice = optimizing()
    const table = new FakeTable([{ id: 1 }, { id: '1' }])
    const find = reader(sluice, table)
    expect(await sluice.run(() => Promise.all([find(1), find('1')]))).toEqual([{ id: 1 }, { id: '1' }])
    expect(table.queries).toEqual(['one 1', 'one 1'])
  })

  it('splits a batch at the maximum number of keys per query', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(5))
    const host = hostOf(sluice)
    const find = (id: number) =>
      host.execute(
        read({
          key: id,
          maxKeys: 2,
          run: () => table.find(id),
          runMany: (keys) => table.findMany(keys.map((key) => key.values[0])),
        }),
      )
    await sluice.run(() => Promise.all([1, 2, 3, 4, 5].map(find)))
    expect(table.queries).toEqual(['many 1,2', 'many 3,4', 'one 5'])
  })

  it('runs lookups individually when the batch has no certain result for their keys', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(3))
    const host = hostOf(sluice)
    const find = (id: number) =>
      host.execute(
        read({ key: id, run: () => table.find(id), runMany: async () => new Map([['i1', 'from batch']]) }),
      )
    expect(await sluice.run(() => Promise.all([1, 2, 3].map(find)))).toEqual([
      'from batch',
      table.rows[1],
      table.rows[2],
    ])
    expect(sluice.queries.getStats().replayed).toBe(2)
  })

  it('runs lookups individually after a failed batch, so that only the invalid key fails', async () => {
    const sluice = optimizing()
    const host = hostOf(sluice)
    const find = (id: number) =>
      host.execute(
        read({
          key: id,
          run: () => (id === 2 ? Promise.reject(new Error('bad key')) : Promise.resolve(id)),
          runMany: () => Promise.reject(new Error('bad batch')),
        }),
      )
    const results = await sluice.run(() => Promise.allSettled([1, 2, 3].map(find)))
    expect(
      results.map((result) =>
        result.status === 'fulfilled' ? result.value : (result.reason as Error).message,
      ),
    ).toEqual([1, 'bad key', 3])
    expect(sluice.queries.getStats().errors).toBe(0)
  })

  it('stops batching a group after three consecutive failures', async () => {
    const sluice = optimizing()
    const host = hostOf(sluice)
    let batches = 0
    const find = (id: number) =>
      host.execute(
        read({
          key: id,
          run: () => Promise.resolve(id),
          runMany: () => {
            batches += 1
            return Promise.resolve(undefined)
          },
        }),
      )
    for (let round = 0; round < 5; round += 1) await sluice.run(() => Promise.all([1, 2].map(find)))
    expect(batches).toBe(3)
  })

  it('runs lookups individually for keys that a collation may treat as equal', async () => {
    const sluice = optimizing()
    const table = new FakeTable([
      { id: 'a' },
      { id: 'A' },
      { id: 'é' },
      { id: 'e ' },
      { id: 'b' },
      { id: 'c' },
    ])
    const find = reader(sluice, table)
    const ids = ['a', 'A', 'é', 'e ', 'b', 'c']
    expect(await sluice.run(() => Promise.all(ids.map(find)))).toEqual(table.rows)
    expect(table.queries[0]).toBe('many b,c')
    expect(table.queries.slice(1).sort()).toEqual(['one A', 'one a', 'one e ', 'one é'].sort())
  })

  it('sends earlier lookups before a write', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(3))
    const host = hostOf(sluice)
    const find = reader(sluice, table)
    await sluice.run(async () => {
      const before = [find(1), find(2)]
      await Promise.resolve()
      const written = host.execute(
        write(touching('t'), async () => {
          table.queries.push('write')
        }),
      )
      await Promise.all([...before, written, find(3)])
    })
    expect(table.queries).toEqual(['many 1,2', 'write', 'one 3'])
  })

  it('counts the reason why a lookup was passed through', async () => {
    const sluice = optimizing()
    await sluice.run(() => hostOf(sluice).execute(read({ run: async () => 1, refused: 'NULL_KEY' })))
    expect(sluice.queries.getStats().passedThrough).toEqual({ 'batch:NULL_KEY': 1 })
  })

  it('does not batch in observe mode', async () => {
    const sluice = createSluice({ mode: 'observe' })
    const table = new FakeTable(rows(2))
    await sluice.run(() => Promise.all([1, 2].map(reader(sluice, table))))
    expect(table.queries).toEqual(['one 1', 'one 2'])
  })

  it('batches lookups of the next tick of a scope into another query', async () => {
    const sluice = optimizing()
    const table = new FakeTable(rows(4))
    const find = reader(sluice, table)
    await sluice.run(async () => {
      await Promise.all([find(1), find(2)])
      await turn()
      await Promise.all([find(3), find(4)])
    })
    expect(table.queries).toEqual(['many 1,2', 'many 3,4'])
  })
})

describe('a long-running scope', () => {
  it('retains a limited number of groups', async () => {
    const sluice = optimizing()
    const host = hostOf(sluice)
    const table = new FakeTable(rows(2))
    let groups = 0
    await sluice.run(async () => {
      for (let i = 0; i < 1200; i += 1) {
        await host.execute(
          read({
            key: 1,
            label: `shape ${i}`,
            run: () => table.find(1),
            runMany: (keys) => table.findMany(keys.map((key) => key.values[0])),
          }),
        )
      }
      groups = host.scopes.current()?.groups.size ?? 0
    })
    expect(groups).toBe(1000)
    expect(table.queries).toHaveLength(1200)
  })
})

describe('a batch window', () => {
  it('batches lookups of different ticks', async () => {
    const database = new MemoryDatabase(
      optimizing({ detection: false, batch: { windowMs: 20 } }),
      { region: [{ id: 1 }, { id: 2 }] },
      [],
    )
    await database.sluice.run(async () => {
      const first = database.one('region', { id: 1 })
      await new Promise((resolve) => setImmediate(resolve))
      await Promise.all([first, database.one('region', { id: 2 })])
    })
    expect(database.queries).toEqual(['region one by id × 2'])
  })
})
