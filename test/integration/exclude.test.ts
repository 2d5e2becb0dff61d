import { afterEach, describe, expect, it } from 'vitest'
import { databases } from '../support/databases.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const closing: Stack[] = []
afterEach(async () => {
  for (const stack of closing.splice(0)) await stack.close()
})

describe.each(databases())('excluding on $name', ({ dialect, skipped }) => {
  it.skipIf(skipped !== undefined)('passes every read of an excluded table or model through', async () => {
    const stack = await openStack(dialect, { exclude: ['Author', 'comments'] })
    closing.push(stack)
    const { prisma, db, bare, sluice } = stack
    await seed(bare)
    await stack.ready()
    await prisma.tag.count()
    const sent = async (fn: () => Promise<unknown>): Promise<number> => {
      stack.taken()
      await sluice.run(fn)
      return stack.taken().length
    }
    const twice = (fn: () => PromiseLike<unknown>) => async () => [await fn(), await fn()]
    expect(await sent(twice(() => db('countries').orderBy('code')))).toBe(1)
    expect(await sent(twice(() => db('authors').count('* as n')))).toBe(2)
    expect(
      await sent(
        twice(() => db('posts').join('authors', 'authors.id', 'posts.author_id').select('posts.id')),
      ),
    ).toBe(2)
    expect(await sent(twice(() => prisma.author.count()))).toBe(2)
    expect(
      await sent(twice(() => prisma.post.findMany({ where: { id: 1 }, include: { comments: true } }))),
    ).toBe(4)
    expect(await sent(() => Promise.all([1, 2, 3].map((id) => db('comments').where('post_id', id))))).toBe(3)
    expect(
      await sent(() =>
        Promise.all([1, 2, 3].map((authorId) => prisma.post.findMany({ where: { authorId } }))),
      ),
    ).toBe(1)
    expect(sluice.queries.getStats().passedThrough.EXCLUDED).toBeGreaterThanOrEqual(2 * 4 + 3)
  })

  it.skipIf(skipped !== undefined)('passes everything through until the tables are known', async () => {
    const stack = await openStack(dialect, { exclude: ['comments'], adapter: false, schema: false })
    closing.push(stack)
    await seed(stack.bare)
    stack.taken()
    await stack.sluice.run(() =>
      Promise.all([1, 2, 3].map((id) => stack.db('comments').where('post_id', id))),
    )
    expect(stack.taken().filter((sql) => sql.includes('comments'))).toHaveLength(3)
  })
})
