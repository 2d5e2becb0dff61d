import type { AddressInfo } from 'node:net'
import type { Finding, ScopeReport } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { databases } from '../support/databases.ts'
import { SOON } from '../support/patience.ts'
import { openStack, type Stack, seed } from '../support/stack.ts'

type Route = (stack: Stack) => Promise<unknown>

/** Each post with its comments: one query for the posts, and one for the comments of each post. */
const withPrisma: Route = async ({ prisma }) => {
  const posts = await prisma.post.findMany({
    select: { id: true, title: true },
    orderBy: { id: 'asc' },
    take: 12,
  })
  return Promise.all(
    posts.map(async ({ id, title }) => {
      const comments = await prisma.comment.findMany({ where: { postId: id }, orderBy: { id: 'asc' } })
      return { title, comments: comments.map(({ body }) => body) }
    }),
  )
}

const withKnex: Route = async ({ db }) => {
  const posts = await db('posts').select('id', 'title').orderBy('id').limit(12)
  return Promise.all(
    posts.map(async ({ id, title }) => {
      const comments = await db('comments').where({ post_id: id }).orderBy('id')
      return { title, comments: comments.map(({ body }) => body) }
    }),
  )
}

/** The same in two queries, directly from the database. */
async function expected({ bareDb }: Stack): Promise<unknown> {
  const posts = await bareDb('posts').select('id', 'title').orderBy('id').limit(12)
  const comments = await bareDb('comments').select('post_id', 'body').orderBy('id')
  return posts.map(({ id, title }) => ({
    title,
    comments: comments.filter(({ post_id }) => post_id === id).map(({ body }) => body),
  }))
}

/** An app with one route. Requests resolve to the response and the report of their scope. */
async function serve(stack: Stack, route: Route) {
  const reports: ScopeReport[] = []
  stack.sluice.on('scope', (report) => reports.push(report))
  const app = express()
  app.use(sluiceMiddleware(stack.sluice, { report: false }))
  app.get('/posts', async (_request, response) => void response.json(await route(stack)))
  app.post('/comments/:id/:body', async ({ params }, response) => {
    await stack.prisma.comment.update({ where: { id: params.id }, data: { body: params.body } })
    response.status(204).end()
  })
  const server = app.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => void server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ask = async (path: string, method = 'GET') => {
    const before = reports.length
    const response = await fetch(`${origin}${path}`, { method, headers: { connection: 'close' } })
    const body = response.status === 204 ? undefined : ((await response.json()) as unknown)
    // A scope ends after its response was sent.
    await expect.poll(() => reports.length, SOON).toBe(before + 1)
    return { status: response.status, body, report: reports.at(-1) as ScopeReport }
  }
  return ask
}

const kinds = databases()
  .filter(({ dialect }) => dialect !== 'mysql')
  .flatMap((kind) => [
    { ...kind, orm: 'Prisma', route: withPrisma, fix: "comments: { orderBy: { id: 'asc' } }" },
    { ...kind, orm: 'Knex', route: withKnex, fix: "whereIn('post_id', keys)" },
  ])

describe.each(kinds)('an N+1 of $orm on $name', ({ dialect, skipped, route, fix }) => {
  it.skipIf(skipped !== undefined)(
    'is reported with its call site and fix, then batched, then cached, with equal results throughout',
    async () => {
      const stack = await openStack(dialect, { cache: { ttl: 300 } })
      onTestFinished(() => stack.close())
      await seed(stack.bare)
      await stack.ready()
      const { sluice } = stack
      // The catalog is read with the first query of a client, which is not cached.
      await stack.prisma.author.findFirst()
      const findings: Finding[] = []
      sluice.on('finding', (finding) => findings.push(finding))
      const ask = await serve(stack, route)
      const truth = await expected(stack)

      // The repeated pattern is detected, and nothing is changed.
      sluice.setMode('observe')
      const observed = await ask('/posts')
      expect(observed.body).toEqual(truth)
      expect(observed.report).toMatchObject({ name: 'GET /posts', queries: 13, batched: 0, cacheHits: 0 })
      expect(findings).toHaveLength(1)
      const [finding] = findings as [Finding]
      expect(finding).toMatchObject({
        code: 'N_PLUS_ONE',
        scope: 'GET /posts',
        count: 12,
        queries: 13,
        queriesPossible: 2,
      })
      expect(finding.callSite?.file).toContain('n-plus-one-flow.test.ts')
      expect(finding.fix).toContain(fix)

      // The related ids form one query.
      sluice.setMode('optimize')
      sluice.cache?.clear()
      stack.taken()
      const merged = await ask('/posts')
      expect(merged.body).toEqual(truth)
      expect(merged.report).toMatchObject({ queries: 2, batched: 11 })
      const statements = stack.taken().filter((sql) => /comments/.test(sql))
      expect(statements).toHaveLength(1)
      expect(statements[0]).toMatch(/ in \(/i)

      // Its result is cached.
      const kept = await ask('/posts')
      expect(kept.body).toEqual(truth)
      expect(kept.report).toMatchObject({ queries: 0, cacheHits: 13 })

      // After a write to one comment, the results it modified are refetched.
      expect((await ask('/comments/00000000-0000-4000-8000-000000000003/Changed', 'POST')).status).toBe(204)
      const after = await ask('/posts')
      expect(after.body).toEqual(await expected(stack))
      expect(after.body).not.toEqual(truth)
      expect(after.report.queries).toBeLessThanOrEqual(2)
      expect(findings).toHaveLength(1)
      expect(sluice.queries.getStats().errors).toBe(0)
    },
  )
})
