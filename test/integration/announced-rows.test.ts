import { createSluice } from '@sluice/core'
import type { WriteEffect } from '@sluice/core/adapter'
import { hostOf } from '@sluice/core/siblings'
import { sluiceAdapter } from '@sluice/prisma'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { rowBucket } from '../../packages/core/src/schema/row-key.ts'
import { predicting } from '../../packages/prisma/src/operation-context.ts'
import { catalogsRead } from '../support/catalog-read.ts'
import { databases, freshDatabase } from '../support/databases.ts'
import { prismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const bucket = (id: number) => rowBucket([String(id)])

describe.each(databases())('announced writes on $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    const effects: WriteEffect[] = []
    beforeAll(async () => {
      stack = await openStack(dialect)
      await seed(stack.bare)
      await stack.ready()
      await stack.prisma.tag.count()
      const { writes } = hostOf(stack.sluice)
      const announce = writes.announce.bind(writes)
      vi.spyOn(writes, 'announce').mockImplementation((effect) => {
        effects.push(effect)
        return announce(effect)
      })
      // A write in a transaction is announced with its commit.
      const begin = writes.transaction.bind(writes)
      vi.spyOn(writes, 'transaction').mockImplementation(() => {
        const transaction = begin()
        const add = transaction.add.bind(transaction)
        vi.spyOn(transaction, 'add').mockImplementation((effect) => {
          effects.push(effect)
          add(effect)
        })
        return transaction
      })
    })
    afterAll(() => stack?.close())
    beforeEach(() => {
      effects.length = 0
    })

    /** The rows of each effect that reads or modifies a table; `any` if they are not known. */
    function announced(table: string): (readonly number[] | 'any')[] {
      const id = [...(hostOf(stack.sluice).catalogs.resolve(table) ?? [])][0] ?? table
      return effects.flatMap(({ tables, rows }) => {
        if (!tables.has(id)) return []
        const known = rows?.get(id)
        return [known === undefined ? 'any' : [...known]]
      })
    }

    it.each<[string, () => Promise<unknown>, readonly number[] | 'any']>([
      [
        'a Prisma update',
        () => stack.prisma.post.update({ where: { id: 1 }, data: { title: 'a' } }),
        [bucket(1)],
      ],
      [
        'a Prisma updateMany',
        () => stack.prisma.post.updateMany({ where: { id: { in: [1, 2] } }, data: { title: 'b' } }),
        [bucket(1), bucket(2)],
      ],
      [
        'a Prisma update by another key',
        () => stack.prisma.post.updateMany({ where: { title: 'none' }, data: { title: 'c' } }),
        'any',
      ],
      [
        'a Prisma create',
        () => stack.prisma.post.create({ data: { id: 901, slug: 'n1', title: 'n', authorId: 1 } }),
        [],
      ],
      ['a Prisma delete', () => stack.prisma.post.delete({ where: { id: 901 } }), [bucket(901)]],
      [
        'a Knex insert',
        () => stack.db('posts').insert({ id: 902, slug: 'n2', title: 'n', author_id: 1 }),
        [],
      ],
      ['a Knex update', () => stack.db('posts').where('id', 902).update({ title: 'd' }), [bucket(902)]],
      ['a Knex update of more', () => stack.db('posts').where('views', -1).update({ title: 'd' }), 'any'],
      ['a Knex delete', () => stack.db('posts').where({ id: 902 }).del(), [bucket(902)]],
    ])('are the rows of %s', async (_, write, rows) => {
      await write()
      expect(new Set(announced('posts').map((one) => JSON.stringify(one)))).toEqual(
        new Set([JSON.stringify(rows)]),
      )
      expect(stack.sluice.queries.getStats()).toMatchObject({ errors: 0, unpredictedWrites: 0 })
    })
  })
})

describe('the check of predicted touches', () => {
  it('counts a statement that names other rows', async () => {
    const database = await freshDatabase('sqlite')
    const { createAdapter, ddl } = await prismaClient('sqlite', database)
    await database.exec(ddl)
    const sluice = createSluice({ mode: 'optimize' })
    const adapter = await sluiceAdapter(createAdapter(), sluice).connect()
    await catalogsRead(sluice)
    const misses = async (sql: string, args: unknown[], rows: readonly number[] | undefined) => {
      const before = sluice.queries.getStats().unpredictedWrites
      const tables = new Set(['main.tag'])
      const expected: WriteEffect =
        rows === undefined
          ? { tables, everything: false }
          : { tables, rows: new Map([['main.tag', new Set(rows)]]), everything: false }
      await predicting(expected, () =>
        adapter.executeRaw({
          sql,
          args,
          argTypes: args.map(() => ({ scalarType: 'unknown', arity: 'scalar' })),
        }),
      )
      return sluice.queries.getStats().unpredictedWrites - before
    }
    try {
      const update = 'update "Tag" set label = ? where id = ?'
      expect(await misses(update, ['x', 7], [bucket(7), bucket(8)])).toBe(0)
      expect(await misses(update, ['x', 7], undefined)).toBe(0)
      expect(await misses(update, ['x', 7], [bucket(8)])).toBe(1)
      expect(await misses(update, ['x', 7], [])).toBe(1)
      expect(await misses('update "Tag" set label = ? where label = ?', ['x', 'y'], [bucket(8)])).toBe(0)
    } finally {
      await adapter.dispose()
      await sluice.close()
      await database.drop()
    }
  })
})
