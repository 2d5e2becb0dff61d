import type { IncomingMessage } from 'node:http'
import { costLimitPlugin } from '@escape.tech/graphql-armor-cost-limit'
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth'
import { useCSRFPrevention } from '@graphql-yoga/plugin-csrf-prevention'
import type { Sluice } from '@sluice/core'
import { createSluiceSchema, useSluice } from '@sluice/graphql'
import { type RequestHandler, Router } from 'express'
import { createSchema, createYoga, type Plugin } from 'graphql-yoga'
import type { AtlasPrisma } from '../clients.ts'
import { isLocal } from './is-local.ts'
import { atlasResolvers } from './resolvers.ts'
import { atlasTypeDefs } from './type-defs.ts'

const MAX_DEPTH = 8
const MAX_COST = 2_000
const MAX_BODY_BYTES = 50_000

/** Yoga's context on Express. */
interface ServerContext {
  readonly req: IncomingMessage
}

export interface GraphqlEndpointOptions {
  readonly prisma: AtlasPrisma
  /** Default: the app without Sluice. */
  readonly sluice?: Sluice | undefined
}

/** The models as a graph, and Sluice's schema. */
export function graphqlEndpoint({ prisma, sluice }: GraphqlEndpointOptions): RequestHandler {
  const own =
    sluice &&
    createSluiceSchema<ServerContext>(sluice, {
      // The app itself has no mutations.
      defines: ['Mutation', 'JSON'],
      authorize: ({ req }) => isLocal(req),
      actor: () => 'a user of this machine',
    })
  const yoga = createYoga<ServerContext>({
    schema: createSchema({
      typeDefs: [atlasTypeDefs, ...(own === undefined ? [] : [own.typeDefs])],
      resolvers: [atlasResolvers(prisma), ...(own === undefined ? [] : [own.resolvers])] as never,
    }),
    plugins: [
      ...limits(),
      useCSRFPrevention({ requestHeaders: ['x-graphql-yoga-csrf'] }),
      ...(sluice ? [useSluice(sluice)] : []),
    ],
    maxRequestBodySize: MAX_BODY_BYTES,
    // Yoga allows every origin with credentials by default; this app has no pages elsewhere.
    cors: false,
    multipart: false,
    logging: 'error',
    graphiql: { title: 'Atlas' },
    // Yoga's own page loads its scripts from another site.
    renderGraphiQL: async (options) =>
      (await import('@graphql-yoga/render-graphiql')).renderGraphiQL(options),
  })
  const router = Router()
  router.use((_request, response, next) => {
    response.setHeader(
      'Content-Security-Policy',
      "default-src 'self' 'unsafe-inline' blob: data:; frame-ancestors 'none'",
    )
    next()
  })
  router.use(yoga as unknown as RequestHandler)
  return router
}

/**
 * Limits of one operation. Sluice batches the queries of resolvers, but the server must limit their number.
 */
function limits(): Plugin[] {
  const flattenFragments = true
  return [
    maxDepthPlugin({ n: MAX_DEPTH, flattenFragments }),
    costLimitPlugin({ maxCost: MAX_COST, flattenFragments }),
  ] as Plugin[]
}
