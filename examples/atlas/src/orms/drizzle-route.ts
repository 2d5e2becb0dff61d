import { asc, eq } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { postgresqlTables } from './drizzle-schema-postgresql.ts'
import { type ListedCity, type ListedReview, MAX_CITIES, type RegionRoute } from './region-page.ts'

export type DrizzleTables = typeof postgresqlTables

export function drizzleRoute(
  db: NodePgDatabase,
  { countries, regions, cities, users, reviews }: DrizzleTables,
): RegionRoute {
  return async (code) => {
    const [region] = await db.select().from(regions).where(eq(regions.code, code))
    if (region === undefined) return undefined
    const found = await db
      .select()
      .from(cities)
      .where(eq(cities.regionId, region.id))
      .orderBy(asc(cities.id))
      .limit(MAX_CITIES)
    const listed: ListedCity[] = []
    for (const city of found) {
      const [country] = await db.select().from(countries).where(eq(countries.code, city.countryCode))
      const written = await db
        .select()
        .from(reviews)
        .where(eq(reviews.cityId, city.id))
        .orderBy(asc(reviews.id))
      const shown: ListedReview[] = []
      for (const { rating, body, userId } of written) {
        const [author] = await db.select().from(users).where(eq(users.id, userId))
        shown.push({ rating, body, author: author?.name })
      }
      listed.push({ name: city.name, country: country?.name, reviews: shown })
    }
    return { code: region.code, name: region.name, cities: listed }
  }
}
