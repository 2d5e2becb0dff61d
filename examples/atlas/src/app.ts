import express, { type Express, type RequestHandler } from 'express'
import type { Clients } from './clients.ts'
import { answerError, notFound } from './http-error.ts'
import { cityRoutes } from './routes/cities.ts'
import { countryRoutes } from './routes/countries.ts'
import { regionRoutes } from './routes/regions.ts'
import { reportRoutes } from './routes/reports.ts'
import { searchRoutes } from './routes/search.ts'

export interface AppOptions extends Pick<Clients, 'prisma' | 'db'> {
  /** Runs before every route. */
  readonly middleware?: RequestHandler
  /** Answers at `/graphql`. */
  readonly graphql?: RequestHandler
  /** For operators, before `middleware`: their requests are not those of visitors. */
  readonly operations?: RequestHandler | undefined
  /** Runs right before the routes and serves cached responses. */
  readonly keptResponses?: RequestHandler | undefined
}

/** The app: plain Express, Prisma and Knex, written the way that comes to mind first. */
export function createApp({
  prisma,
  db,
  middleware,
  graphql,
  operations,
  keptResponses,
}: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  if (operations !== undefined) app.use(operations)
  if (middleware !== undefined) app.use(middleware)
  // It reads bodies itself.
  if (graphql !== undefined) app.use('/graphql', graphql)
  app.use(express.json())
  if (keptResponses !== undefined) app.use(keptResponses)
  app.use(countryRoutes(prisma))
  app.use(regionRoutes(prisma))
  app.use(cityRoutes(prisma))
  app.use(searchRoutes(prisma))
  app.use('/reports', reportRoutes(db))
  app.use((request) => {
    throw notFound(`page: ${request.method} ${request.path}`)
  })
  app.use(answerError)
  return app
}
