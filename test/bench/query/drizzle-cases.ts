import { asc, eq, inArray, lte } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { type LoopQueries, loopCases, type Row } from './loop-cases.ts'
import type { QueryCase } from './query-case.ts'
import { PARENTS } from './rows.ts'

const TABLES = {
  countries: pgTable('countries', { id: integer(), name: text() }),
  regions: pgTable('regions', { id: integer(), name: text(), country_id: integer() }),
  districts: pgTable('districts', { id: integer(), name: text(), region_id: integer() }),
  cities: pgTable('cities', { id: integer(), name: text(), district_id: integer(), mayor_id: integer() }),
}
const { cities } = TABLES

/** On PostgreSQL only: on SQLite, Sluice observes Drizzle and changes no query. */
export const drizzleCases: readonly QueryCase[] = loopCases(
  'drizzle',
  'Drizzle',
  ({ drizzle }) => drizzleQueries(drizzle),
  { isOnServers: true },
)

function drizzleQueries(open: () => NodePgDatabase): LoopQueries {
  const db = open()
  return {
    async parents(name) {
      const table = TABLES[name]
      return await db.select().from(table).where(lte(table.id, PARENTS)).orderBy(asc(table.id))
    },
    async one(name, id): Promise<Row | undefined> {
      const table = TABLES[name]
      const [row] = await db.select().from(table).where(eq(table.id, id)).limit(1)
      return row
    },
    async many(name, ids) {
      const table = TABLES[name]
      return await db.select().from(table).where(inArray(table.id, ids))
    },
    async citiesIn(districts) {
      const condition = Array.isArray(districts)
        ? inArray(cities.district_id, districts)
        : eq(cities.district_id, districts)
      return await db.select().from(cities).where(condition).orderBy(asc(cities.id))
    },
  }
}
