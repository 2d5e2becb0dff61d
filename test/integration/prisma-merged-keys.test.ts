import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sameAsBare } from '../support/compare-merged.ts'
import { databases } from '../support/databases.ts'
import type { TestPrismaClient } from '../support/prisma-clients.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const byId = { id: 'asc' } as const

describe.each(databases())('batching by keys of every type on Prisma and $name', ({ dialect, skipped }) => {
  describe.skipIf(skipped !== undefined)('', () => {
    let stack: Stack
    beforeAll(async () => {
      stack = await openStack(dialect, { cache: false })
      await seed(stack.bare)
      for (const [at, id] of [1, 2, 3, 4].entries()) {
        const photo = new Uint8Array([1, 2, 255].slice(0, at))
        await stack.bare.author.update({
          where: { id },
          data: { photo, active: id % 2 === 0, born: new Date(Date.UTC(2000, 0, 1, 0, 0, 0, at)) },
        })
      }
      await stack.bare.author.update({
        where: { id: 5 },
        data: { photo: new Uint8Array([1]), born: new Date(Date.UTC(1969, 11, 31, 23, 59, 59, 999)) },
      })
      await stack.prisma.tag.count()
    })
    afterAll(() => stack?.close())
    const same = (program: (prisma: TestPrismaClient) => Promise<unknown>) => sameAsBare(stack, program)

    it('batches by bytes', async () => {
      const photos = [[1], [1, 2], [], [7], [1, 2, 255]].map((bytes) => new Uint8Array(bytes))
      expect(
        await same((prisma) =>
          Promise.all(photos.map((photo) => prisma.author.findMany({ where: { photo }, orderBy: byId }))),
        ),
      ).toHaveLength(1)
      expect(
        await same((prisma) => Promise.all(photos.map((photo) => prisma.author.count({ where: { photo } })))),
      ).toHaveLength(1)
    })

    it('batches by times, to the millisecond', async () => {
      const times = [0, 1, 2, 3, 4].map((at) => new Date(Date.UTC(2000, 0, 1, 0, 0, 0, at)))
      times.push(
        new Date(Date.UTC(1969, 11, 31, 23, 59, 59, 999)),
        new Date(Date.UTC(1969, 11, 31, 23, 59, 59, 998)),
      )
      expect(
        await same((prisma) =>
          Promise.all(times.map((born) => prisma.author.findMany({ where: { born }, orderBy: byId }))),
        ),
      ).toHaveLength(1)
      const counted = await same((prisma) =>
        Promise.all(
          times.map((born) =>
            prisma.author.aggregate({ where: { born }, _count: true, _max: { born: true } }),
          ),
        ),
      )
      expect(counted).toHaveLength(1)
    })

    it('runs queries by times in string form individually', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          ['2000-01-01T00:00:00.000Z', '2000-01-01T01:00:00.000+01:00'].map((born) =>
            prisma.author.findMany({ where: { born }, orderBy: byId }),
          ),
        ),
      )
      expect(sent).toHaveLength(2)
    })

    it('batches by a flag', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          [true, false, true].map((active) =>
            prisma.author.findMany({ where: { active }, orderBy: byId, select: { id: true } }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
    })

    it('treats a flag as a constant next to any other key', async () => {
      const sent = await same((prisma) =>
        Promise.all(
          ['FR', 'DE', 'JP'].map((countryCode) =>
            prisma.author.findMany({ where: { active: true, countryCode }, orderBy: byId }),
          ),
        ),
      )
      expect(sent).toHaveLength(1)
    })

    it('batches by the value of a key at the call, even if the caller changes it afterwards', async () => {
      const expected = await stack.bare.author.findMany({
        where: { photo: new Uint8Array([1, 2]) },
        orderBy: byId,
      })
      const photo = new Uint8Array([1, 2])
      const found = await stack.sluice.run(async () => {
        const asked = [photo, new Uint8Array([1])].map((bytes) =>
          stack.prisma.author.findMany({ where: { photo: bytes }, orderBy: byId }).then((rows) => rows),
        )
        await Promise.resolve().then(() => Promise.resolve())
        photo.fill(9)
        return Promise.all(asked)
      })
      expect(found[0]).toEqual(expected)
    })

    it('runs queries by decimals and floats individually', async () => {
      const decimals = await same((prisma) =>
        Promise.all(
          ['1.5', '2.5'].map((rating) => prisma.author.findMany({ where: { rating }, orderBy: byId })),
        ),
      )
      expect(decimals).toHaveLength(2)
      const floats = await same((prisma) =>
        Promise.all([0.25, 0.5].map((value) => prisma.reading.findMany({ where: { value }, orderBy: byId }))),
      )
      expect(floats).toHaveLength(2)
    })

    it('runs queries by times individually if column types are unknown', async () => {
      const unknown = await openStack(dialect, { cache: false, schema: false })
      try {
        await seed(unknown.bare)
        await unknown.prisma.tag.count()
        const times = [1980, 1982].map((year) => new Date(Date.UTC(year, 0, 1)))
        const sent = await sameAsBare(unknown, (prisma) =>
          Promise.all(times.map((born) => prisma.author.findMany({ where: { born }, orderBy: byId }))),
        )
        expect(sent).toHaveLength(2)
        const texts = await sameAsBare(unknown, (prisma) =>
          Promise.all(
            ['FR', 'DE'].map((countryCode) =>
              prisma.author.findMany({ where: { countryCode }, orderBy: byId }),
            ),
          ),
        )
        expect(texts).toHaveLength(1)
      } finally {
        await unknown.close()
      }
    })

    it.runIf(dialect === 'postgresql')(
      'runs queries by strings individually if their collation considers different strings equal',
      async () => {
        const loose = await openStack(dialect, {
          cache: false,
          definitions: `
          CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
          ALTER TABLE posts ALTER COLUMN title TYPE text COLLATE loose`,
        })
        try {
          await seed(loose.bare)
          await loose.database.exec(
            `UPDATE posts SET title = (ARRAY['strasse', 'aether', 'か'])[id] WHERE id < 4`,
          )
          const titles = ['strasse', 'straße', 'aether', 'æther', 'か', 'カ', 'Post 7']
          const rows = await sameAsBare(loose, (prisma) =>
            Promise.all(titles.map((title) => prisma.post.findMany({ where: { title }, orderBy: byId }))),
          )
          expect(rows).toHaveLength(titles.length)
          const counts = await sameAsBare(loose, (prisma) =>
            Promise.all(titles.map((title) => prisma.post.count({ where: { title } }))),
          )
          expect(counts).toHaveLength(titles.length)
          const groups = await sameAsBare(loose, (prisma) =>
            Promise.all(
              [1, 2].map((authorId) =>
                prisma.post.groupBy({ by: ['title'], where: { authorId }, orderBy: { title: 'asc' } }),
              ),
            ),
          )
          expect(groups).toHaveLength(2)
        } finally {
          await loose.close()
        }
      },
    )

    it('counts no internal errors', () => {
      expect(stack.sluice.queries.getStats()).toMatchObject({ errors: 0 })
    })
  })
})
