import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createDashboard, type Dashboard } from '@sluice/dashboard'
import type { RequestDetail, RequestsPage } from '@sluice/dashboard/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { openStack, type Stack, seed } from '../../support/stack.ts'

const open: { stack?: Stack; dashboard?: Dashboard; server?: Server } = {}

async function start(options: Parameters<typeof openStack>[1]) {
  const stack = await openStack('sqlite', options)
  await seed(stack.bare)
  await stack.prisma.tag.count()
  const dashboard = createDashboard(stack.sluice, { announce: false })
  const server = createServer((request, response) => dashboard.handler(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  Object.assign(open, { stack, dashboard, server })
  const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}/_sluice/api`
  const json = async <T>(path: string): Promise<T> => (await (await fetch(`${api}/${path}`)).json()) as T
  return {
    stack,
    /** Returns the waterfall of a scope. */
    rowsOf: async (program: () => Promise<unknown>) => {
      await stack.sluice.run(program, { name: 'GET /authors' })
      const { recent } = await json<RequestsPage>('requests?limit=1')
      return (await json<RequestDetail>(`requests/${recent[0]?.id}`)).rows
    },
  }
}

afterEach(async () => {
  open.dashboard?.close()
  open.server?.close()
  open.server?.closeAllConnections()
  await open.stack?.close()
})

describe('waterfall of Prisma', () => {
  it('has operations with their statements below them', async () => {
    const { stack, rowsOf } = await start({ mode: 'observe' })
    const rows = await rowsOf(async () => {
      const posts = await stack.prisma.post.findMany({ take: 6, orderBy: { id: 'asc' } })
      for (const post of posts) await stack.prisma.author.findFirst({ where: { id: post.authorId } })
    })
    const listing = rows.find(({ label }) => label.startsWith('Post.findMany'))
    const loop = rows.find(({ label }) => label.startsWith('Author.findFirst'))
    expect(loop).toMatchObject({ level: 'operation', count: 6, parent: listing?.id, dialect: null })
    expect(loop?.callSite?.file).toBe('test/integration/dashboard/prisma.test.ts')
    expect(loop?.fix).toEqual(expect.any(String))
    const statements = rows.filter(({ level }) => level === 'statement')
    expect(statements.map(({ parent, count, dialect }) => [parent, count, dialect])).toEqual([
      [listing?.id, 1, 'sqlite'],
      [loop?.id, 6, 'sqlite'],
    ])
  })

  it('shows batched, prefetched and cached reads', async () => {
    const { stack, rowsOf } = await start({ mode: 'optimize' })
    const fills = async (program: () => Promise<unknown>) =>
      (await rowsOf(program)).map(({ fill, count, level }) => `${level} ${fill} ${count}`)
    const posts = () => stack.prisma.post.findMany({ where: { authorId: { gte: 1 } } })
    expect(await fills(async () => [await posts(), await posts(), await posts()])).toContain(
      'operation cache 2',
    )
    const merged = await fills(() =>
      Promise.all([1, 2, 3].map((id) => stack.prisma.author.findFirst({ where: { id } }))),
    )
    expect(merged).toContain('operation batch 2')
  })

  it('shows batches of Prisma separately', async () => {
    const { stack, rowsOf } = await start({ mode: 'observe' })
    const rows = await rowsOf(() =>
      Promise.all([1, 2, 3, 4].map((id) => stack.prisma.author.findUniqueOrThrow({ where: { id } }))),
    )
    const operations = rows.filter(({ level }) => level === 'operation')
    expect(operations.map(({ fill, count }) => [fill, count]).sort()).toEqual([['database', 1], ['orm', 3]]) // biome-ignore format: a table
  })
})
