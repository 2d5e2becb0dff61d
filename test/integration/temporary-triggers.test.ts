import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStack, type Stack, seed } from '../support/stack.ts'

describe('temporary triggers on SQLite', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await openStack('sqlite')
    await seed(stack.bare)
    await stack.ready()
  })
  afterAll(() => stack?.close())

  const trigger = (name: string) =>
    `create temp trigger ${name} after update on main.posts begin update authors set full_name = '${name} ' || new.title; end`

  it('on a Knex connection write rows that the catalog does not describe', async () => {
    const { db } = stack
    const name = async () => (await db('authors').where('id', 1).first()).full_name
    await name()
    await db.raw(trigger('first'))
    await stack.ready()
    await name()
    await db('posts').where('id', 1).update({ title: 'a' })
    expect(await name()).toBe('first a')
  })

  it('on a Prisma connection do as well', async () => {
    const { prisma } = stack
    const name = async () => (await prisma.author.findMany({ where: { id: 1 } }))[0]?.name
    await name()
    await prisma.$executeRawUnsafe(trigger('second'))
    await name()
    await name()
    await prisma.post.update({ where: { id: 1 }, data: { title: 'b' } })
    expect(await name()).toBe('second b')
  })
})
