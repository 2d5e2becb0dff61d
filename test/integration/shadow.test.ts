import type { Knex } from 'knex'
import { afterEach, describe, expect, it } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const ids = [1, 2, 3, 4, 5, 6, 7, 8]

const onPrisma = (prisma: TestPrismaClient) =>
  Promise.all([
    ...ids.map((id) => prisma.author.findUnique({ where: { id } })),
    ...ids.map((authorId) =>
      prisma.post.findMany({ where: { authorId }, include: { author: { select: { name: true } } } }),
    ),
    ...ids.map((authorId) => prisma.post.count({ where: { authorId } })),
    ...ids.map((id) => prisma.post.findFirst({ where: { id } })),
    prisma.post.aggregate({ _max: { views: true } }),
  ])

const onKnex = (db: Knex) =>
  Promise.all([
    ...ids.map((id) => db('authors').where({ id }).first()),
    ...ids.map((id) => db('posts').where('author_id', id).orderBy('id')),
    ...ids.map((id) => db('posts').where('author_id', id).count('* as n')),
  ])

describe.each(databases())('shadow mode on $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack | undefined
    afterEach(() => stack?.close())

    it('returns the results of the plain ORMs and finds no difference', async () => {
      stack = await openStack(dialect, { mode: 'shadow', batch: {} })
      const { prisma, bare, db, bareDb, sluice } = stack
      await seed(bare)
      await prisma.tag.count()
      await db('Tag').where('id', 1)
      await catalogsRead(sluice)
      const differences: unknown[] = []
      sluice.on('shadowDifference', (difference) => differences.push(difference))
      for (let round = 0; round < 3; round += 1) {
        expect(await sluice.run(() => onPrisma(prisma))).toEqual(await onPrisma(bare))
        expect(await sluice.run(() => onKnex(db))).toEqual(await onKnex(bareDb))
        await prisma.post.update({ where: { id: 1 }, data: { views: { increment: 1 } } })
      }
      await prisma.tag.count()
      const stats = sluice.queries.getStats()
      expect(differences).toEqual([])
      expect(stats.shadowed).toBeGreaterThan(50)
      expect(stats).toMatchObject({ shadowDifferences: 0, errors: 0 })
      expect(stats.batched).toBeGreaterThan(0)
    })
  })
})
