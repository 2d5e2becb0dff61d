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
}

/** The app: plain Express, Prisma and Knex, written the way that comes to mind first. */
export function createApp({ prisma, db, middleware }: AppOptions): Express {
  const app = express()
  app.disable('x-powered-by')
  if (middleware !== undefined) app.use(middleware)
  app.use(express.json())
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
