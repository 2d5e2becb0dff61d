import type { Knex } from 'knex'
import { type ListedCity, type ListedReview, MAX_CITIES, type RegionRoute } from './region-page.ts'

export function knexRoute(db: Knex): RegionRoute {
  return async (code) => {
    const region = await db('regions').where({ code }).first()
    if (region === undefined) return undefined
    const cities = await db('cities').where({ region_id: region.id }).orderBy('id').limit(MAX_CITIES)
    const listed: ListedCity[] = []
    for (const city of cities) {
      const country = await db('countries').where({ code: city.country_code }).first()
      const reviews = await db('reviews').where({ city_id: city.id }).orderBy('id')
      const shown: ListedReview[] = []
      for (const { rating, body, user_id } of reviews) {
        const author = await db('users').where({ id: user_id }).first()
        shown.push({ rating, body, author: author?.name })
      }
      listed.push({ name: city.name, country: country?.name, reviews: shown })
    }
    return { code: region.code, name: region.name, cities: listed }
  }
}
