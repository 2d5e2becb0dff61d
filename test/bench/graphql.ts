// The cost of the plugins for GraphQL servers for an operation in which Sluice gains nothing: its resolvers
// respond from memory. Each server with its plugin compared with the same server without it, from the request
// to the response, but without a network.
import { ApolloServer, HeaderMap } from '@apollo/server'
import { createSluice, type Sluice } from '@sluice/core'
import { registerSluiceMercurius, sluiceApolloPlugin, useSluice } from '@sluice/graphql'
import fastify from 'fastify'
import { createSchema, createYoga } from 'graphql-yoga'
import mercurius from 'mercurius'
import {
  benchOptions,
  type Contender,
  type Figure,
  measure,
  type Operation,
  printTable,
  serveContender,
} from './harness.ts'

/** Percent of CPU time. */
const TARGET = 15
const AUTHORS = 20
const BOOKS = 3

const typeDefs = `
  type Query { authors: [Author!]! }
  type Author { id: Int! name: String! born: Int! books: [Book!]! }
  type Book { id: Int! title: String! pages: Int! }
`
const query = 'query Authors { authors { id name born books { id title pages } } }'
const authors = Array.from({ length: AUTHORS }, (_, id) => ({ id, name: `Author ${id}`, born: 1_900 + id }))
const books = Array.from({ length: BOOKS }, (_, id) => ({ id, title: `Book ${id}`, pages: 100 + id }))
const resolvers = { Query: { authors: async () => authors }, Author: { books: async () => books } }
const ANSWER_BOOKS = AUTHORS * BOOKS

interface Server {
  readonly name: string
  /** @returns A function that resolves the query to a string of JSON. */
  start(sluice: Sluice | undefined): Promise<{ ask(): Promise<string>; close(): Promise<void> }>
}

const servers: readonly Server[] = [
  {
    name: 'Yoga',
    start: async (sluice) => {
      const schema = createSchema({ typeDefs, resolvers })
      const yoga = createYoga({
        schema,
        plugins: sluice === undefined ? [] : [useSluice(sluice)],
        logging: false,
      })
      const headers = { 'content-type': 'application/json' }
      const body = JSON.stringify({ query })
      return {
        ask: async () =>
          await (await yoga.fetch('http://localhost/graphql', { method: 'POST', headers, body })).text(),
        close: async () => void (await yoga.dispose()),
      }
    },
  },
  {
    name: 'Apollo Server',
    start: async (sluice) => {
      const server = new ApolloServer({
        typeDefs,
        resolvers,
        plugins: sluice === undefined ? [] : [sluiceApolloPlugin(sluice)],
      })
      await server.start()
      const headers = new HeaderMap([['content-type', 'application/json']])
      return {
        ask: async () => {
          const httpGraphQLRequest = { method: 'POST', headers, search: '', body: { query } }
          const { body } = await server.executeHTTPGraphQLRequest({
            httpGraphQLRequest,
            context: async () => ({}),
          })
          return body.kind === 'complete' ? body.string : ''
        },
        close: () => server.stop(),
      }
    },
  },
  {
    name: 'Mercurius',
    start: async (sluice) => {
      const app = fastify()
      await app.register(mercurius, { schema: typeDefs, resolvers })
      if (sluice !== undefined) registerSluiceMercurius(app, sluice)
      await app.ready()
      return {
        ask: async () => (await app.inject({ method: 'POST', url: '/graphql', payload: { query } })).payload,
        close: async () => void (await app.close()),
      }
    },
  },
]

function contender({ name, start }: Server, has: boolean): Contender {
  return {
    name: has ? `${name}, Sluice` : name,
    open: async (): Promise<Operation> => {
      const sluice = has ? createSluice({ mode: 'optimize' }) : undefined
      const { ask, close } = await start(sluice)
      const answered = (await ask()).match(/"title"/g)?.length
      if (answered !== ANSWER_BOOKS)
        throw new Error(`${name} answered with ${answered} books instead of ${ANSWER_BOOKS}.`)
      return {
        run: async (iterations) => {
          for (let at = 0; at < iterations; at += 1) await ask()
        },
        close: async () => {
          await close()
          await sluice?.close()
        },
      }
    },
  }
}

async function main(): Promise<void> {
  const { json, quick } = benchOptions()
  const rounds = quick ? 15 : 41
  if (!json)
    console.log(
      `Node ${process.version}, medians of ${rounds} interleaved rounds, CPU time; each contender in its own process`,
    )
  for (const server of servers) {
    const [bare, measured] = await measure([contender(server, false), contender(server, true)], rounds, 60)
    if (bare === undefined || measured === undefined) continue
    const value = (measured.ratio - 1) * 100
    const id = `${server.name.toLowerCase().replaceAll(' ', '-')}.plugin`
    const figure: Figure = {
      area: 'graphql',
      id,
      value,
      unit: '%',
      target: TARGET,
      ok: value <= TARGET,
      against: { [bare.name]: bare.cpuUs },
    }
    if (json) console.log(JSON.stringify(figure))
    else
      printTable(
        `${server.name}: ${AUTHORS} authors, ${BOOKS} books each, from memory`,
        [bare, measured],
        [figure],
      )
  }
}

if (!(await serveContender(servers.flatMap((server) => [contender(server, false), contender(server, true)]))))
  await main()
