import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createProxy, type HttpProxy } from '@sluice/http/proxy'
import { Redis } from 'ioredis'
import type { Knex } from 'knex'
import { describe, expect, inject, it, onTestFinished } from 'vitest'
import { randomSuffix } from '../services/service.ts'
import { type Database, type DatabaseKind, databases } from '../support/databases.ts'
import { SOON, TEST_MS } from '../support/patience.ts'
import { FlowProcess } from './flow-process.ts'
import type { RequestNodeCounts, RequestNodePlan } from './request-node.main.ts'

const TTL_SECONDS = 30
const redis = inject('services').redis

async function listen(proxy: HttpProxy): Promise<{ readonly server: Server; readonly origin: string }> {
  const server = createServer(proxy.handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Prevents the database from executing a write of a process that ended long ago. */
function withTimeouts(database: Database): Knex.Config {
  const config = database.knexConfig()
  if (typeof config.connection !== 'string') return config
  const url = new URL(config.connection)
  url.searchParams.set('options', '-c statement_timeout=10000 -c idle_in_transaction_session_timeout=10000')
  return { ...config, connection: url.href }
}

/** An app on two nodes behind a proxy, with one database and one Redis. */
async function openApp(connect: DatabaseKind['connect'], redisUrl: string) {
  const database = await connect()
  onTestFinished(() => database.drop())
  await database.exec(
    "CREATE TABLE cities (id integer PRIMARY KEY, name text); INSERT INTO cities VALUES (1, 'Basel'), (2, 'Bern')",
  )
  const namespace = `flow-${randomSuffix()}`
  const nodes = await Promise.all(
    ['a', 'b'].map(async (name) => {
      const plan: RequestNodePlan = {
        name,
        knexConfig: withTimeouts(database),
        redisUrl,
        namespace,
        ttlSeconds: TTL_SECONDS,
      }
      const { process, ready } = await FlowProcess.start<{ readonly address: string }>(
        'request-node.main.ts',
        plan,
      )
      onTestFinished(() => process.stop())
      return { name, process, address: ready.address }
    }),
  )
  const proxy = createProxy({ nodes: nodes.map(({ address }) => address), strategy: 'round-robin' })
  const { server, origin } = await listen(proxy)
  onTestFinished(async () => {
    server.close()
    await proxy.close()
  })
  const counts = async (name: string) => {
    const of = nodes.find((node) => node.name === name)
    return (of as NonNullable<typeof of>).process.ask<RequestNodeCounts>('counts')
  }
  let asked = 0
  /** Requests a city, and resolves to the node, the response and the statements that it took. */
  const get = async (id: number) => {
    const before = new Map(
      await Promise.all(nodes.map(async ({ name }) => [name, await counts(name)] as const)),
    )
    asked += 1
    const response = await fetch(`${origin}/cities/${id}`)
    const node = response.headers.get('x-node') ?? ''
    const { name } = (await response.json()) as { readonly name: string }
    const [was, is] = [before.get(node), await counts(node)]
    return {
      node,
      name,
      statements: is.statements - (was?.statements ?? 0),
      cacheHits: is.cacheHits - (was?.cacheHits ?? 0),
      fromStore: is.fromStore - (was?.fromStore ?? 0),
    }
  }
  /** Writes a city's name. */
  const rename = async (id: number, name: string) => {
    asked += 1
    return (await fetch(`${origin}/cities/${id}/${name}`, { method: 'POST' })).status
  }
  return { namespace, nodes, proxy, origin, get, rename, asked: () => asked }
}

describe.each(databases().filter(({ dialect }) => dialect !== 'mysql'))(
  'a request, on $name and Redis',
  ({ skipped, connect }) => {
    const redisUrl = 'url' in redis ? redis.url : undefined

    it.skipIf(skipped !== undefined || redisUrl === undefined)(
      'is balanced across nodes, served from memory, Redis or the database, cached for its TTL, and counted',
      { timeout: TEST_MS },
      async () => {
        const { namespace, nodes, proxy, get, rename, asked } = await openApp(connect, redisUrl as string)
        const client = new Redis(redisUrl as string)
        onTestFinished(() => void client.disconnect())
        // The first request of each node reads its catalog, and nothing is cached before.
        await expect
          .poll(
            async () =>
              Math.max(
                ...[await get(2), await get(2), await get(2), await get(2)].map(
                  ({ statements }) => statements,
                ),
              ),
            SOON,
          )
          .toBe(0)

        const miss = await get(1)
        const fromRedis = await get(1)
        const fromMemory = [await get(1), await get(1)]
        expect([miss, fromRedis, ...fromMemory].map(({ name }) => name)).toEqual([
          'Basel',
          'Basel',
          'Basel',
          'Basel',
        ])
        expect(miss.node).not.toBe(fromRedis.node)
        expect(miss).toMatchObject({ statements: 1, cacheHits: 0 })
        expect(fromRedis).toMatchObject({ statements: 0, cacheHits: 1, fromStore: 1 })
        for (const hit of fromMemory) expect(hit).toMatchObject({ statements: 0, cacheHits: 1, fromStore: 0 })

        const entries = await client.keys(`${namespace}:e:*`)
        expect(entries).toHaveLength(2)
        const left = await Promise.all(entries.map((key) => client.pttl(key)))
        for (const ms of left) {
          expect(ms).toBeGreaterThan(0)
          expect(ms).toBeLessThanOrEqual(TTL_SECONDS * 1_000)
        }
        expect(await client.mget(entries)).not.toContainEqual(expect.stringContaining('cities/1'))

        // Both nodes see a write by one node immediately, and other rows stay cached.
        expect(await rename(1, 'Basle')).toBe(204)
        const after = [await get(1), await get(1), await get(1), await get(1)]
        expect(after.map(({ name }) => name)).toEqual(['Basle', 'Basle', 'Basle', 'Basle'])
        expect(after.reduce((sum, { statements }) => sum + statements, 0)).toBe(1)
        expect((await get(2)).statements + (await get(2)).statements).toBe(0)

        const text = await (nodes[0] as (typeof nodes)[number]).process.ask<string>('metrics')
        expect(text).toMatch(
          /http_server_request_duration_seconds_count\{[^}]*http_route="\/cities\/:id"[^}]*\} \d+/,
        )
        expect(text).toMatch(/sluice_operations_saved_total\{sluice_saved_by="cached"\} [1-9]/)
        const served = proxy.balancer.getClusterStats().nodes.map(({ requests }) => requests)
        expect(served.reduce((sum, count) => sum + count, 0)).toBe(asked())
        expect(Math.max(...served) - Math.min(...served)).toBeLessThanOrEqual(1)
      },
    )

    it.skipIf(skipped !== undefined || redisUrl === undefined)(
      'is served a page that another node cached until a write modifies its data',
      { timeout: TEST_MS },
      async () => {
        const { nodes, origin, get, rename } = await openApp(connect, redisUrl as string)
        await expect.poll(async () => (await get(2)).statements + (await get(2)).statements, SOON).toBe(0)
        const page = async () => {
          const response = await fetch(`${origin}/pages/1`)
          const status = response.headers.get('cache-status') ?? ''
          return {
            node: response.headers.get('x-node'),
            text: await response.text(),
            isHit: /;\s*hit/.test(status),
          }
        }
        const total = async (of: 'made' | 'toStore') =>
          (await Promise.all(nodes.map(({ process }) => process.ask<RequestNodeCounts>('counts')))).reduce(
            (sum, counts) => sum + counts[of],
            0,
          )
        /** A newly rendered page, once Redis has stored it, which happens after it was sent. */
        const fresh = async () => {
          const before = await total('toStore')
          const answer = await page()
          await expect.poll(() => total('toStore'), SOON).toBe(before + 1)
          return answer
        }
        const first = await fresh()
        const [second, third] = [await page(), await page()]
        expect(first).toMatchObject({ text: '<h1>Basel</h1><p>one of 2</p>', isHit: false })
        expect(second).toMatchObject({ text: first.text, isHit: true })
        expect(second.node).not.toBe(first.node)
        expect(third).toMatchObject({ text: first.text, isHit: true })
        expect(await total('made')).toBe(1)
        expect(await rename(1, 'Basle')).toBe(204)
        const after = [await fresh(), await page(), await page()]
        expect(after.map(({ text }) => text)).toEqual(
          Array.from({ length: 3 }, () => '<h1>Basle</h1><p>one of 2</p>'),
        )
        expect(after.map(({ isHit }) => isHit)).toEqual([false, true, true])
        expect(await total('made')).toBe(2)
      },
    )

    it.skipIf(skipped !== undefined || redisUrl === undefined)(
      'is served while a node is killed, and from the results that the node cached in Redis',
      { timeout: TEST_MS },
      async () => {
        const { nodes, origin, get } = await openApp(connect, redisUrl as string)
        await expect.poll(async () => (await get(1)).statements + (await get(1)).statements, SOON).toBe(0)
        const [killed] = nodes as [(typeof nodes)[number], ...(typeof nodes)[number][]]
        const asking = Array.from({ length: 40 }, async (_, turn) => {
          await new Promise((resolve) => setTimeout(resolve, turn * 5))
          if (turn === 10) await killed.process.kill()
          return (await fetch(`${origin}/cities/1`)).status
        })
        expect(await Promise.all(asking)).toEqual(asking.map(() => 200))
      },
    )
  },
)
