import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { ApolloServer } from '@apollo/server'
import { expressMiddleware } from '@as-integrations/express5'
import { createSluice, type Finding, type ScopeReport, type Sluice } from '@sluice/core'
import { expectQueries } from '@sluice/core/testing'
import { sluiceMiddleware } from '@sluice/express'
import { sluicePlugin } from '@sluice/fastify'
import { registerSluiceMercurius, sluiceApolloPlugin, useSluice } from '@sluice/graphql'
import { withSluice } from '@sluice/knex'
import express from 'express'
import fastify from 'fastify'
import { GraphQLError } from 'graphql'
import { createSchema, createYoga } from 'graphql-yoga'
import knex, { type Knex } from 'knex'
import mercurius, { type IResolvers } from 'mercurius'
import { WebSocket } from 'undici'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Database, freshDatabase } from '../../support/databases.ts'
import { SOON } from '../../support/patience.ts'
import { servers } from './servers.ts'

const typeDefs = `
directive @defer(if: Boolean! = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT
type Item { id: Int! name: String! }
type Query { items: [Item!]! item(id: Int!): Item broken: Int refused: Int slow(turns: Int!): Int }
type Mutation { rename(id: Int!, name: String!): Item }
type Subscription { bought(times: Int!): Basket! }
type Basket { items: [Item!]! }
`

let database: Database
let db: Knex
let sluice: Sluice
let reports: ScopeReport[]
let findings: Finding[]

beforeAll(async () => {
  database = await freshDatabase('sqlite')
  await database.exec(`
    CREATE TABLE items (id integer PRIMARY KEY, name text NOT NULL);
    INSERT INTO items VALUES ${Array.from({ length: 10 }, (_, at) => `(${at + 1}, 'Item ${at + 1}')`).join(', ')};
  `)
})
afterAll(() => database.drop())
afterEach(async () => {
  await sluice.close()
  await db.destroy()
})

async function open(mode: 'observe' | 'optimize'): Promise<void> {
  sluice = createSluice({ mode, cache: false, detection: { threshold: 3 } })
  db = withSluice(knex(database.knexConfig()), sluice)
  await sluice.run(() => db('items').select('id'))
  await new Promise((resolve) => setTimeout(resolve, 200))
  reports = []
  findings = []
  sluice.on('scope', (report) => reports.push(report))
  sluice.on('finding', (finding) => findings.push(finding))
}

interface Listening {
  readonly url: string
  close(): Promise<unknown>
}

const item = (id: number) => db('items').where({ id }).first()

const resolvers = {
  Query: {
    items: () => [1, 2, 3, 4].map((id) => ({ id })),
    item: (_: unknown, { id }: { id: number }) => item(id),
    broken: () => {
      throw new Error('no')
    },
    refused: () => {
      throw new GraphQLError('Not today.', { extensions: { code: 'FORBIDDEN' } })
    },
    async slow(_: unknown, { turns }: { turns: number }) {
      for (let at = 0; at < turns; at += 1) await turn()
      await Promise.all([1, 2].map(item))
      return turns
    },
  },
  Item: { name: async ({ id, name }: { id: number; name?: string }) => name ?? (await item(id)).name },
  Mutation: {
    async rename(_: unknown, { id, name }: { id: number; name: string }) {
      await db('items').where({ id }).update({ name })
      return { id }
    },
  },
  Subscription: {
    bought: {
      async *subscribe(_: unknown, { times }: { times: number }) {
        for (let at = 0; at < times; at += 1) {
          await turn()
          yield { bought: { items: [1, 2, 3].map((id) => ({ id })) } }
        }
      },
    },
  },
}

const named = (name: string) => reports.filter((report) => report.name === name)
/** Waits until a check passes. */
const until = (check: () => void) =>
  expect
    .poll(() => {
      check()
      return true
    }, SOON)
    .toBe(true)

describe.each(servers)('scopes of operations in $name', ({ start }) => {
  const serve = () => start({ typeDefs: [typeDefs], resolvers: [resolvers], sluice })

  it('are named by kind and name, and batch the queries of resolvers', async () => {
    await open('optimize')
    const server = await serve()
    try {
      // Mercurius compiles repeated queries.
      for (let time = 0; time < 3; time += 1) await server.ask('query Shop { items { name } }')
      await server.ask('{ items { id } }')
      await server.ask('query Kind { __typename }')
      await server.ask('mutation Rename { rename(id: 10, name: "Ten") { name } }')
      expect(
        (await server.ask('query A { items { id } } query Shop { items { name } }')).body.errors,
      ).toBeDefined()
      const shop = { operations: 4, queries: 1, batched: 3, failed: false }
      expect(named('query Shop')).toMatchObject([shop, shop, shop])
      expect(named('query Kind')).toMatchObject([{ operations: 0 }])
      expect(named('query (anonymous)')).toMatchObject([{ operations: 0, queries: 0 }])
      expect(named('mutation Rename')).toMatchObject([{ operations: 2 }])
    } finally {
      await server.close()
    }
  })

  it('report the call site of an N+1 in observe mode', async () => {
    await open('observe')
    const server = await serve()
    try {
      await server.ask('query Shop { items { name } }')
      expect(named('query Shop')).toMatchObject([{ queries: 4 }])
      expect(findings).toMatchObject([{ scope: 'query Shop', code: 'N_PLUS_ONE', count: 4 }])
      expect(findings[0]?.callSite?.file).toContain('scopes.test.ts')
    } finally {
      await server.close()
    }
  })

  it('are never shared by concurrent operations', async () => {
    await open('optimize')
    const server = await serve()
    try {
      await Promise.all(
        [1, 2, 3].map((turns) => server.ask(`query Slow${turns} { slow(turns: ${turns}) items { name } }`)),
      )
      for (const turns of [1, 2, 3]) expect(named(`query Slow${turns}`)).toMatchObject([{ operations: 6 }])
    } finally {
      await server.close()
    }
  })

  it('fail for errors without a code for the client', async () => {
    await open('observe')
    const server = await serve()
    try {
      await server.ask('query Broken { broken }')
      await server.ask('query Refused { refused }')
      expect(named('query Broken')).toMatchObject([{ failed: true }])
      expect(named('query Refused')).toMatchObject([{ failed: false }])
    } finally {
      await server.close()
    }
  })

  it('have a limited number of names if clients invent them', async () => {
    await open('observe')
    const server = await serve()
    try {
      for (let at = 0; at < 103; at += 1) await server.ask(`query Q${at} { items { id } }`)
      expect(named('query (other)')).toHaveLength(3)
      await server.ask(`query ${'L'.repeat(500)} { items { id } }`)
      expect(named('query (other)')).toHaveLength(4)
    } finally {
      await server.close()
    }
  })

  it('are named after the selected operation', async () => {
    await open('observe')
    const server = await serve()
    try {
      const body = JSON.stringify({
        query: 'query One { items { id } } query Two { items { name } }',
        operationName: 'Two',
      })
      const response = await fetch(server.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      expect(((await response.json()) as { data?: unknown }).data).toBeDefined()
      expect(named('query Two')).toMatchObject([{ operations: 4 }])
    } finally {
      await server.close()
    }
  })

  it('end if an operation cannot be executed', async () => {
    await open('observe')
    const server = await serve()
    try {
      await server.ask('query Wrong { nothing }')
      await server.ask('query Wrong {')
      await server.ask('query Wrong($id: Int!) { item(id: $id) { id } }', { id: 'text' })
      await server.ask('query Right($id: Int!) { item(id: $id) { id } }', { id: 1 })
      await until(() => expect(named('query Right')).toHaveLength(1))
      expect(reports.filter(({ operations }) => operations > 0)).toHaveLength(1)
    } finally {
      await server.close()
    }
  })
})

describe('scopes of operations within those of requests', () => {
  const kinds: readonly [string, () => Promise<Listening>][] = [
    [
      'Yoga in Express',
      async () => {
        const app = express().use(sluiceMiddleware(sluice, { report: false, serverTiming: true }))
        const yoga = createYoga({
          schema: createSchema({ typeDefs, resolvers }),
          plugins: [useSluice(sluice)],
          logging: false,
        })
        app.use('/graphql', yoga as never)
        return listening(app)
      },
    ],
    [
      'Apollo Server in Express',
      async () => {
        const app = express().use(sluiceMiddleware(sluice, { report: false, serverTiming: true }))
        const server = new ApolloServer({ typeDefs, resolvers, plugins: [sluiceApolloPlugin(sluice)] })
        await server.start()
        app.use('/graphql', express.json(), expressMiddleware(server) as never)
        const listens = await listening(app)
        return { url: listens.url, close: async () => Promise.all([server.stop(), listens.close()]) }
      },
    ],
    ['Mercurius in Fastify', mercuriusInFastify],
  ]

  async function mercuriusInFastify(): Promise<Listening> {
    const app = fastify()
    await app.register(sluicePlugin, { sluice, report: false, serverTiming: true })
    await app.register(mercurius, {
      schema: typeDefs,
      resolvers: resolvers as unknown as IResolvers,
      allowBatchedQueries: true,
    })
    registerSluiceMercurius(app, sluice)
    return { url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/graphql`, close: () => app.close() }
  }

  async function listening(app: express.Express): Promise<Listening> {
    const server = createServer(app)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const close = async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
    return { url: `http://127.0.0.1:${port}/graphql`, close }
  }

  const ask = (url: string, body: object) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it.each(kinds)('are separate, and count towards the response: %s', async (_name, start) => {
    await open('optimize')
    const { url, close } = await start()
    try {
      const response = await expectQueries(() => ask(url, { query: 'query Shop { items { name } }' }), {
        sluice,
        everything: true,
      }).toBe(1)
      expect(await response.json()).toMatchObject({ data: { items: { length: 4 } } })
      expect(response.headers.get('server-timing')).toContain('"1 queries"')
      await until(() => expect(named('POST /graphql')).toHaveLength(1))
      expect(named('query Shop')).toMatchObject([{ queries: 1, batched: 3 }])
      expect(named('POST /graphql')).toMatchObject([{ queries: 0, statusCode: 200 }])
    } finally {
      await close()
    }
  })

  it.each(kinds)('use the mode of the request: %s', async (_name, start) => {
    await open('optimize')
    await sluice.close()
    await db.destroy()
    let draws = 0
    // Every second scope is in observe mode, and operations do not decide again.
    sluice = createSluice({
      mode: 'optimize',
      cache: false,
      rollout: 0.5,
      random: () => (draws++ % 2 === 0 ? 0.9 : 0.1),
    })
    db = withSluice(knex(database.knexConfig()), sluice)
    sluice.on('scope', (report) => reports.push(report))
    const { url, close } = await start()
    try {
      for (let time = 0; time < 2; time += 1)
        await (await ask(url, { query: 'query Shop { items { id } }' })).text()
      await until(() => expect(named('POST /graphql')).toHaveLength(2))
      expect(named('query Shop').map(({ mode }) => mode)).toEqual(['observe', 'optimize'])
    } finally {
      await close()
    }
  })

  it('exist for each operation of a request', async () => {
    await open('optimize')
    const { url, close } = await mercuriusInFastify()
    try {
      const batch = Array.from({ length: 12 }, (_, at) => ({ query: `query Part${at} { items { name } }` }))
      await (await ask(url, batch)).json()
      for (const at of batch.keys())
        expect(named(`query Part${at}`)).toMatchObject([{ operations: 4, queries: 1 }])
    } finally {
      await close()
    }
  })
})

describe('incremental results', () => {
  it('keep their scope until the last part in Yoga', async () => {
    await open('optimize')
    const yoga = createYoga({
      schema: createSchema({ typeDefs, resolvers }),
      plugins: [useSluice(sluice)],
      logging: false,
    })
    const query = 'query Parts { items { id } ... @defer { late: items { name } slow(turns: 3) } }'
    const response = await yoga.fetch('http://yoga/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
    })
    const text = await response.text()
    expect(text).toContain('"late"')
    expect(text).toContain('"hasNext":false')
    await until(() => expect(named('query Parts')).toMatchObject([{ operations: 6, queries: 2 }]))
  })

  it('end their scope if the consumer stops', async () => {
    await open('optimize')
    const yoga = createYoga({
      schema: createSchema({ typeDefs, resolvers }),
      plugins: [useSluice(sluice)],
      logging: false,
    })
    const controller = new AbortController()
    const response = await yoga.fetch('http://yoga/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'query Parts { items { id } ... @defer { slow(turns: 100000) } }' }),
      signal: controller.signal,
    })
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    await until(() => expect(named('query Parts')).toHaveLength(1))
  })
})

describe('subscriptions', () => {
  const query = 'subscription Sales { bought(times: 3) { items { name } } }'

  function expectEvents(): void {
    const events = named('subscription Sales').filter(({ operations }) => operations > 0)
    expect(events).toMatchObject(
      Array.from({ length: 3 }, () => ({ operations: 3, queries: 1, batched: 2, failed: false })),
    )
  }

  it('have a scope for each event in Yoga', async () => {
    await open('optimize')
    const yoga = createYoga({
      schema: createSchema({ typeDefs, resolvers }),
      plugins: [useSluice(sluice)],
      logging: false,
    })
    const response = await yoga.fetch('http://yoga/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
    })
    expect((await response.text()).match(/"Item 1"/g)).toHaveLength(3)
    await until(expectEvents)
  })

  it('have a scope for each event in Mercurius', async () => {
    await open('optimize')
    const app = fastify()
    await app.register(mercurius, {
      schema: typeDefs,
      resolvers: resolvers as unknown as IResolvers,
      subscription: true,
    })
    registerSluiceMercurius(app, sluice)
    const origin = await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/graphql`, 'graphql-transport-ws')
    try {
      const payloads: unknown[] = []
      await new Promise<void>((resolve, reject) => {
        socket.onerror = () => reject(new Error('The socket failed.'))
        socket.onopen = () => socket.send(JSON.stringify({ type: 'connection_init' }))
        socket.onmessage = ({ data }) => {
          const { type, payload } = JSON.parse(String(data))
          if (type === 'connection_ack')
            socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query } }))
          else if (type === 'next') payloads.push(payload)
          else if (type === 'complete') resolve()
        }
      })
      expect(payloads).toHaveLength(3)
      await until(expectEvents)
    } finally {
      socket.close()
      await app.close()
    }
  })
})
