import { readFileSync } from 'node:fs'
import type { SluiceOptions } from '@sluice/core'
import type { WorkloadEntry } from '@sluice/core/database'
import { describe, expect, it } from 'vitest'
import { catalogsRead } from '../../support/catalog-read.ts'
import { openStack, type Stack, seed } from '../../support/stack.ts'

const lines = readFileSync(import.meta.filename, 'utf8').split('\n')

/** The source line of the most frequent call site of a statement. */
function sourceOf(entry: WorkloadEntry | undefined): string | undefined {
  const [site] = entry?.callSites ?? []
  return site?.file === import.meta.filename ? lines[site.line - 1]?.trim() : site?.file
}

async function withStack(options: SluiceOptions, work: (stack: Stack) => Promise<void>): Promise<void> {
  const stack = await openStack('sqlite', { mode: 'observe', cache: false, ...options })
  try {
    await seed(stack.prisma)
    stack.sluice.database?.resetWorkload()
    await work(stack)
  } finally {
    await stack.close()
  }
}

const find = (stack: Stack, text: RegExp) =>
  stack.sluice.database?.getWorkload().filter(({ sql }) => text.test(sql)) ?? []

describe('workload', () => {
  it('records Knex statements with their rows, times, bindings and call sites', () =>
    withStack({}, async (stack) => {
      const { db } = stack
      for (const id of [1, 2, 3]) {
        await db('posts').where({ author_id: id }).select('id') // the place
      }
      const [entry, ...rest] = find(stack, /from `posts`/)
      expect(rest).toEqual([])
      expect(entry).toMatchObject({
        kind: 'read',
        calls: 3,
        errors: 0,
        rows: 15,
        dialect: 'sqlite',
        samples: [[1], [2], [3]],
      })
      expect(entry?.sql).toBe('select `id` from `posts` where `author_id` = ?')
      expect(entry?.totalMs).toBeGreaterThan(0)
      expect(entry?.maxMs).toBeLessThanOrEqual(entry?.totalMs ?? 0)
      expect(entry?.callSites).toHaveLength(1)
      // The first two calls are traced, and represent the third one.
      expect(entry?.callSites[0]?.count).toBe(3)
      expect(sourceOf(entry)).toContain('// the place')
    }))

  it('records Prisma statements, including those of relations', () =>
    withStack({}, async (stack) => {
      const { prisma } = stack
      for (const id of [1, 2, 3]) {
        await prisma.post.findMany({ where: { authorId: id }, include: { comments: true } }) // the place
      }
      const [posts] = find(stack, /FROM `main`\.`posts`/)
      const [comments] = find(stack, /FROM `main`\.`comments`/)
      expect(posts).toMatchObject({ kind: 'read', calls: 3, errors: 0, rows: 15 })
      expect(posts?.samples.map(([id]) => id)).toEqual([1, 2, 3])
      expect(comments?.calls).toBe(3)
      expect(sourceOf(posts)).toContain('// the place')
      expect(sourceOf(comments)).toContain('// the place')
    }))

  it('counts writes, also in transactions, but neither BEGIN nor COMMIT', () =>
    withStack({}, async (stack) => {
      const { db, prisma } = stack
      await prisma.tag.create({ data: { id: 90, label: 'x' } }) // by Prisma
      await prisma.$transaction(async (tx) => {
        await tx.tag.update({ where: { id: 90 }, data: { label: 'y' } }) // in its transaction
      })
      await db.transaction(async (trx) => {
        await trx('Tag').where({ id: 90 }).delete() // by Knex
      })
      expect(find(stack, /begin|commit/i)).toEqual([])
      const [insert] = find(stack, /^INSERT/)
      const [update] = find(stack, /^UPDATE/)
      const [remove] = find(stack, /^delete/)
      expect([insert, update, remove].map((entry) => entry?.kind)).toEqual(['write', 'write', 'write'])
      expect(sourceOf(insert)).toContain('// by Prisma')
      expect(sourceOf(update)).toContain('// in its transaction')
      expect(sourceOf(remove)).toContain('// by Knex')
    }))

  it('counts failed statements', () =>
    withStack({ detection: false }, async (stack) => {
      await expect(stack.db.raw('insert into Tag (id, label) values (?, ?)', [1, 'twice'])).rejects.toThrow()
      await expect(stack.prisma.$queryRaw`select nothing from nowhere`).rejects.toThrow()
      expect(find(stack, /insert into Tag/)).toMatchObject([{ calls: 1, errors: 1, rows: 0 }])
      expect(find(stack, /nowhere/)).toMatchObject([{ calls: 1, errors: 1 }])
    }))

  it('counts streams of Knex', () =>
    withStack({}, async (stack) => {
      for await (const _ of stack.db('Tag').select('label').stream());
      expect(find(stack, /select `label` from `Tag`/)).toMatchObject([{ calls: 1, errors: 0 }])
    }))

  it('records a batched statement once with its first call site, and no catalog reads', () =>
    withStack({ mode: 'optimize' }, async (stack) => {
      const { prisma, sluice } = stack
      await stack.ready()
      sluice.database?.resetWorkload()
      await sluice.run(() => Promise.all([1, 2, 3].map((id) => prisma.author.findUnique({ where: { id } })))) // the place
      const entries = sluice.database?.getWorkload() ?? []
      expect(entries).toHaveLength(1)
      expect(entries[0]).toMatchObject({ calls: 1, rows: 3 })
      expect(sourceOf(entries[0])).toContain('// the place')
      expect(stack.taken()).toHaveLength(1)
    }))

  it('omits the comparison queries of shadow mode', () =>
    withStack({ mode: 'shadow' }, async (stack) => {
      const { db, sluice } = stack
      await db('Tag').select('id').limit(1)
      await catalogsRead(sluice)
      sluice.database?.resetWorkload()
      await sluice.run(() => Promise.all([1, 2].map((id) => db('Tag').where({ id }).first())))
      await expect.poll(() => sluice.queries.getStats().shadowed).toBeGreaterThan(0)
      const entries = sluice.database?.getWorkload() ?? []
      expect(entries.reduce((sum, { calls }) => sum + calls, 0)).toBe(2)
    }))

  it('finds the call sites of a long-running loop', () =>
    withStack({}, async (stack) => {
      for (let at = 0; at < 400; at += 1) {
        await stack.prisma.tag.findFirst({ where: { id: (at % 5) + 1 } }) // the one
        if (at % 4 === 0) await stack.prisma.tag.findFirst({ where: { id: 1 } }) // the other
      }
      const [entry] = find(stack, /`Tag`/)
      expect(entry?.calls).toBe(500)
      const places = entry?.callSites.map(({ line }) => lines[line - 1]?.match(/\/\/ .*/)?.[0])
      // Their order is an estimate from about a dozen traced calls.
      expect(places?.sort()).toEqual(['// the one', '// the other'])
      expect(entry?.callSites.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(250)
    }))

  it.each(['observe', 'optimize'] as const)('stores no value of redacted statements, in mode %s', (mode) =>
    withStack({ mode, database: { workload: { redact: true } } }, async (stack) => {
      const { db, prisma, sluice } = stack
      await db('Tag').where({ label: 'sesame' }).select('id')
      await db.raw("select id from Tag where label = 'sesame'")
      await prisma.tag.findFirst({ where: { label: 'sesame' } })
      await prisma.tag.create({ data: { id: 91, label: 'sesame' } })
      await prisma.$queryRawUnsafe("select id from Tag where label = 'sesame'")
      const entries = sluice.database?.getWorkload() ?? []
      expect(entries.length).toBe(3)
      expect(JSON.stringify(entries)).not.toContain('sesame')
    }),
  )

  it('records nothing when it is disabled', async () => {
    await withStack({ database: { workload: false } }, async (stack) => {
      await stack.db('Tag').select('id')
      await stack.prisma.tag.findMany()
      expect(stack.sluice.database?.getWorkload()).toEqual([])
    })
    await withStack({ database: false }, async (stack) => {
      await stack.db('Tag').select('id')
      await stack.prisma.tag.findMany()
      expect(stack.sluice.database).toBeUndefined()
    })
  })
})
