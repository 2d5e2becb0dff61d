import type { AddressInfo } from 'node:net'
import { type Finding, NPlusOneError, type SluiceOptions } from '@sluice/core'
import { expectNoNPlusOne, expectQueries, QueryAssertionError } from '@sluice/core/testing'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice } from '@sluice/knex'
import express from 'express'
import knex from 'knex'
import { afterEach, describe, expect, it } from 'vitest'
import { catalogsRead } from '../support/catalog-read.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function open(options: SluiceOptions): Promise<Stack & { findings: Finding[] }> {
  const stack = await openStack('sqlite', { mode: 'observe', cache: false, ...options })
  closing.push(() => stack.close())
  await seed(stack.bare)
  const findings: Finding[] = []
  stack.sluice.on('finding', (finding) => findings.push(finding))
  return { ...stack, findings }
}

const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => expect.unreachable('it should have failed'),
    (error: Error) => error,
  )

const prismaLoop = async ({ prisma }: Stack) => {
  const posts = await prisma.post.findMany({ take: 6, orderBy: { id: 'asc' } })
  for (const post of posts) await prisma.comment.findMany({ where: { postId: post.id } })
  return posts.length
}

const knexLoop = async ({ db }: Stack) => {
  const posts = await db('posts').select('id').orderBy('id').limit(6)
  for (const { id } of posts) await db('comments').where('post_id', id)
  return posts.length
}

const loops: readonly [string, (stack: Stack) => Promise<number>, string][] = [
  ['Prisma', prismaLoop, 'include: { comments: true }  // in post.findMany'],
  ['Knex', knexLoop, "db('comments').whereIn('post_id', keys)"],
]

describe.each(loops)('detection on %s', (_orm, loop, fix) => {
  it('throws an error with the call site and the fix when a scope ends', async () => {
    const stack = await open({ detection: { mode: 'throw' } })
    const error = await failure(stack.sluice.run(() => loop(stack), { name: 'job' }))
    expect(error).toBeInstanceOf(NPlusOneError)
    expect(error.message).toMatch(/^▲ N\+1 {2}job {3}7 queries → 2 possible\n/)
    expect(error.message).toContain('detection.test.ts:')
    expect(error.message).toContain(`fix  ${fix}`)
    expect(stack.findings).toHaveLength(1)
  })

  it('changes no result when there are no findings', async () => {
    const stack = await open({ detection: { mode: 'throw', threshold: 7 } })
    expect(await stack.sluice.run(() => loop(stack))).toBe(6)
  })

  it('reports scopes that exceed their query budget', async () => {
    const stack = await open({ detection: { mode: 'throw', threshold: 50, budget: { 'GET *': 6, '*': 7 } } })
    await stack.sluice.run(() => loop(stack), { name: 'job' })
    const error = await failure(stack.sluice.run(() => loop(stack), { name: 'GET /posts' }))
    expect(error).toMatchObject({
      code: 'SLUICE_N_PLUS_ONE',
      findings: [{ code: 'QUERY_BUDGET', count: 7, queriesPossible: 6 }],
    })
  })

  it('ignores findings by table', async () => {
    const stack = await open({ detection: { mode: 'throw', ignore: [{ table: 'comments' }] } })
    await stack.sluice.run(() => loop(stack))
  })

  it('counts queries for a test, and lists them when there are too many', async () => {
    const stack = await open({})
    const { sluice } = stack
    expect(await expectQueries(() => loop(stack), { sluice }).toBe(7)).toBe(6)
    const error = await failure(expectQueries(() => loop(stack), { sluice }).toBeAtMost(2))
    expect(error).toBeInstanceOf(QueryAssertionError)
    expect(error).toMatchObject({ expected: 2, actual: 7 })
    expect(error.message).toMatch(
      /^expected at most 2 queries, got 7\n\n {2}6× .*\n {5}at {3}test\/integration\/detection\.test\.ts:\d+:\d+\n {5}fix {2}/,
    )
    expect(error.message).toMatch(/\n {2}1× .*\n {5}at {3}test\/integration\/detection\.test\.ts:/)
    expect((await failure(expectNoNPlusOne(() => loop(stack), { sluice }))).message).toContain('6×')
  })

  it('counts the queries of requests to a server in the same process', async () => {
    const stack = await open({})
    const { sluice } = stack
    const app = express()
    app.use(sluiceMiddleware(sluice, { report: false }))
    app.get('/posts', async (_request, response) => {
      response.json(await loop(stack))
    })
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    closing.push(() => new Promise((resolve) => server.close(resolve)))
    const request = () =>
      fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/posts`).then((response) =>
        response.json(),
      )
    expect(await expectQueries(request, { sluice, everything: true }).toBe(7)).toBe(6)
    expect((await failure(expectQueries(request, { sluice, everything: true }).toBe(1))).message).toContain(
      '6×',
    )
    expect((await failure(expectNoNPlusOne(request, { sluice, everything: true }))).message).toContain(
      'GET /posts',
    )
  })
})

describe('batched lookups', () => {
  it('count as one query', async () => {
    const { sluice, db } = await open({ mode: 'optimize' })
    await db('posts').where('id', 1)
    await catalogsRead(sluice)
    await expectNoNPlusOne(
      () => Promise.all([1, 2, 3, 4, 5, 6].map((id) => db('comments').where('post_id', id))),
      { sluice },
    )
    expect(sluice.queries.getStats().batched).toBe(5)
  })
})

describe('repeated queries on Prisma', () => {
  it('are found by their arguments, unless a write comes in between', async () => {
    const { sluice, prisma, findings } = await open({})
    await sluice.run(async () => {
      for (let i = 0; i < 4; i += 1) await prisma.author.findUnique({ where: { id: 3 } })
      const args = { where: { id: 1 }, select: { name: true } }
      for (let i = 0; i < 4; i += 1) {
        args.where.id = i
        await prisma.author.findMany(args)
      }
      for (let i = 0; i < 4; i += 1) {
        await prisma.post.findFirst({ where: { id: 1 } })
        await prisma.post.update({ where: { id: 1 }, data: { views: i } })
      }
    })
    expect(findings).toMatchObject([
      { code: 'REPEATED_QUERY', count: 4, label: 'Author.findUnique where id' },
    ])
  })
})

describe('repeated queries on Knex', () => {
  it('are found by their bindings', async () => {
    const { sluice, db, findings } = await open({})
    await sluice.run(async () => {
      for (let i = 0; i < 4; i += 1) await db('authors').where('id', 3).first()
      for (let i = 0; i < 4; i += 1) await db('authors').where('id', i).select('email')
      for (let i = 0; i < 4; i += 1) await db.raw(`select * from posts where id = ${i}`)
    })
    expect(findings).toMatchObject([{ code: 'REPEATED_QUERY', count: 4, queries: 12, queriesPossible: 9 }])
    expect(findings[0]?.callSite?.file).toMatch(/detection\.test\.ts$/)
  })

  it.each(['optimize', 'observe'] as const)(
    'have the call site of builders that are returned without await, in %s mode',
    async (mode) => {
      const { sluice, db, findings } = await open({ mode, cache: false })
      function raw() {
        return db.raw('select ? + 1', [1])
      }
      function built() {
        return db('authors').where({ id: 1 })
      }
      const times = [1, 2, 3, 4]
      await sluice.run(() => Promise.all(times.map(raw)))
      // In `optimize`, they can be one query.
      if (mode === 'observe') await sluice.run(() => Promise.all(times.map(built)))
      const functions = mode === 'observe' ? ['raw', 'built'] : ['raw']
      expect(findings).toMatchObject(
        functions.map((functionName) => ({ callSite: { file: import.meta.filename, functionName } })),
      )
    },
  )

  it('have the call site of builders with a postProcessResponse, in optimize mode', async () => {
    const { sluice, bareDb, findings } = await open({ mode: 'optimize', cache: false })
    const config = { ...bareDb.client.config, postProcessResponse: (rows: unknown) => rows }
    const db = withSluice(knex(config), sluice)
    closing.push(() => db.destroy())
    function built() {
      return db.select(db.raw('? + 1', [1]))
    }
    await sluice.run(() => Promise.all([1, 2, 3, 4].map(built)))
    expect(findings).toMatchObject([{ callSite: { file: import.meta.filename, functionName: 'built' } }])
  })

  it('are not reported for nondeterministic queries or if a write comes in between', async () => {
    const { sluice, db, findings } = await open({})
    await sluice.run(async () => {
      for (let i = 0; i < 4; i += 1) await db.raw('select random()')
      for (let i = 0; i < 4; i += 1) {
        await db('posts').where('id', 1)
        await db('posts').where('id', 1).update({ views: i })
      }
    })
    expect(findings).toEqual([])
  })
})
