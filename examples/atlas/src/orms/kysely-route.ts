import type { Kysely } from 'kysely'
import { type ListedCity, type ListedReview, MAX_CITIES, type RegionRoute } from './region-page.ts'

/** The columns that the route reads. */
export interface AtlasTables {
  readonly countries: { readonly code: string; readonly name: string }
  readonly regions: { readonly id: number; readonly code: string; readonly name: string }
  readonly cities: {
    readonly id: number
    readonly name: string
    readonly country_code: string
    readonly region_id: number | null
  }
  readonly users: { readonly id: number; readonly name: string }
  readonly reviews: {
    readonly id: number
    readonly city_id: number
    readonly user_id: number
    readonly rating: number
    readonly body: string
  }
}

export function kyselyRoute(db: Kysely<AtlasTables>): RegionRoute {
  return async (code) => {
    const region = await db.selectFrom('regions').selectAll().where('code', '=', code).executeTakeFirst()
    if (region === undefined) return undefined
    const cities = await db
      .selectFrom('cities')
      .selectAll()
      .where('region_id', '=', region.id)
      .orderBy('id')
      .limit(MAX_CITIES)
      .execute()
    const listed: ListedCity[] = []
    for (const city of cities) {
      const country = await db
        .selectFrom('countries')
        .selectAll()
        .where('code', '=', city.country_code)
        .executeTakeFirst()
      const reviews = await db
        .selectFrom('reviews')
        .selectAll()
        .where('city_id', '=', city.id)
        .orderBy('id')
        .execute()
      const shown: ListedReview[] = []
      for (const { rating, body, user_id } of reviews) {
        const author = await db.selectFrom('users').selectAll().where('id', '=', user_id).executeTakeFirst()
        shown.push({ rating, body, author: author?.name })
      }
      listed.push({ name: city.name, country: country?.name, reviews: shown })
    }
    return { code: region.code, name: region.name, cities: listed }
  }
}
