import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import type { Sluice } from '@sluice/core'
import { registerSluiceMercurius, sluiceApolloPlugin, useSluice } from '@sluice/graphql'
import fastify, { type FastifyRequest } from 'fastify'
import { createSchema, createYoga } from 'graphql-yoga'
import mercurius from 'mercurius'

type Resolvers = Readonly<Record<string, object>>

interface ServerParts {
  readonly typeDefs: readonly string[]
  readonly resolvers: readonly Resolvers[]
  readonly sluice: Sluice
}

interface Answer {
  readonly status: number
  readonly body: {
    readonly data?: Readonly<Record<string, unknown>> | null
    readonly errors?: readonly {
      readonly message: string
      readonly extensions?: Readonly<Record<string, unknown>>
    }[]
  }
}

/** A running GraphQL server with Sluice's plugin. */
export interface GraphqlServer {
  readonly url: string
  ask(query: string, variables?: object, headers?: Readonly<Record<string, string>>): Promise<Answer>
  close(): Promise<void>
}

/** Context of resolvers: the header with the user of a test. */
export interface TestContext {
  readonly user: string | undefined
}

export interface ServerKind {
  readonly name: 'Yoga' | 'Apollo Server' | 'Mercurius'
  start(parts: ServerParts): Promise<GraphqlServer>
}

/** Every supported server, over HTTP. */
export const servers: readonly ServerKind[] = [
  { name: 'Yoga', start: startYoga },
  { name: 'Apollo Server', start: startApollo },
  { name: 'Mercurius', start: startMercurius },
]

async function startYoga({ typeDefs, resolvers, sluice }: ServerParts): Promise<GraphqlServer> {
  const yoga = createYoga({
    schema: createSchema({ typeDefs: [...typeDefs], resolvers: [...resolvers] as never }),
    plugins: [useSluice(sluice)],
    context: ({ request }) => ({ user: request.headers.get('x-user') ?? undefined }),
    logging: false,
  })
  const server = createServer(yoga)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return serverAt(`http://127.0.0.1:${port}/graphql`, async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
}

async function startApollo({ typeDefs, resolvers, sluice }: ServerParts): Promise<GraphqlServer> {
  const server = new ApolloServer<TestContext>({
    typeDefs: [...typeDefs],
    resolvers: [...resolvers] as never,
    plugins: [sluiceApolloPlugin(sluice)],
    includeStacktraceInErrorResponses: false,
  })
  const { url } = await startStandaloneServer(server, {
    listen: { port: 0, host: '127.0.0.1' },
    context: async ({ req }) => ({ user: req.headers['x-user'] as string | undefined }),
  })
  return serverAt(url, () => server.stop())
}

async function startMercurius({ typeDefs, resolvers, sluice }: ServerParts): Promise<GraphqlServer> {
  const app = fastify()
  await app.register(mercurius, {
    schema: [...typeDefs],
    resolvers: merged(resolvers) as never,
    context: (request: FastifyRequest) => ({ user: request.headers['x-user'] as string | undefined }),
    jit: 1,
    csrfPrevention: true,
  } as never)
  registerSluiceMercurius(app, sluice)
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  return serverAt(`${origin}/graphql`, () => app.close())
}

/** Mercurius accepts a single map. */
function merged(maps: readonly Resolvers[]): Resolvers {
  const result: Record<string, object> = {}
  for (const map of maps) {
    for (const [type, fields] of Object.entries(map)) {
      const isScalar = Object.getPrototypeOf(fields) !== Object.prototype
      result[type] = isScalar ? fields : { ...result[type], ...fields }
    }
  }
  return result
}

function serverAt(url: string, close: () => Promise<void>): GraphqlServer {
  return {
    url,
    close,
    async ask(query, variables = {}, headers = {}) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
      })
      return { status: response.status, body: (await response.json()) as Answer['body'] }
    },
  }
}
