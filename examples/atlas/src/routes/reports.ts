import { Router } from 'express'
import type { Knex } from 'knex'
import { notFound } from '../http-error.ts'

const MAX_REVIEWERS = 50

export function reportRoutes(db: Knex): Router {
  const router = Router()

  router.get('/regions/:countryCode', async (request, response) => {
    const country = await db('countries').where({ code: request.params.countryCode }).first()
    if (country === undefined) throw notFound('country')
    const regions = await db('regions').where({ country_code: country.code }).orderBy('id')
    const rows = await Promise.all(
      regions.map(async (region) => {
        const [counted] = await db('cities').where({ region_id: region.id }).count('* as cities')
        return { region: region.name, cities: Number(counted?.cities) }
      }),
    )
    response.json({ country: country.name, rows })
  })

  router.get('/reviewers', async (_request, response) => {
    const users = await db('users').orderBy('id').limit(MAX_REVIEWERS)
    const rows = await Promise.all(
      users.map(async (user) => {
        const reviews = await db('reviews').where({ user_id: user.id }).orderBy('id')
        const stars = reviews.reduce((sum, review) => sum + review.rating, 0)
        return {
          name: user.name,
          reviews: reviews.length,
          averageRating: reviews.length === 0 ? null : stars / reviews.length,
        }
      }),
    )
    response.json({ rows })
  })

  router.get('/top-rated', async (_request, response) => {
    const result = await db.raw(`
      SELECT c.id, c.name, COUNT(*) AS reviews, AVG(r.rating) AS rating
      FROM reviews r JOIN cities c ON c.id = r.city_id
      GROUP BY c.id, c.name HAVING COUNT(*) >= 5
      ORDER BY rating DESC, reviews DESC, c.id LIMIT 20`)
    // The drivers differ: SQLite's returns the rows, PostgreSQL's a result with numbers as strings.
    const rows: { id: number; name: string; reviews: unknown; rating: unknown }[] = Array.isArray(result)
      ? result
      : result.rows
    response.json({
      rows: rows.map((row) => ({ ...row, reviews: Number(row.reviews), rating: Number(row.rating) })),
    })
  })

  return router
}
