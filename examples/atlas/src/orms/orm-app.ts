import express, { type Express, type RequestHandler } from 'express'
import { answerError, notFound } from '../http-error.ts'
import type { OrmRoutes } from './open-routes.ts'

/** Serves the same route in each ORM: `/prisma/regions/:code`, `/knex/regions/:code`, … */
export function createOrmApp({ routes }: OrmRoutes, middleware?: RequestHandler): Express {
  const app = express()
  app.disable('x-powered-by')
  if (middleware !== undefined) app.use(middleware)
  for (const [orm, route] of routes)
    app.get(`/${orm}/regions/:code`, async (request, response) => {
      const page = await route(request.params.code)
      if (page === undefined) throw notFound('region')
      response.json(page)
    })
  app.use(answerError)
  return app
}
