import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

// The columns that the route reads.
const countries = sqliteTable('countries', { code: text().primaryKey(), name: text().notNull() })

const regions = sqliteTable('regions', {
  id: integer().primaryKey(),
  code: text().notNull(),
  name: text().notNull(),
})

const cities = sqliteTable('cities', {
  id: integer().primaryKey(),
  name: text().notNull(),
  countryCode: text('country_code').notNull(),
  regionId: integer('region_id'),
})

const users = sqliteTable('users', { id: integer().primaryKey(), name: text().notNull() })

const reviews = sqliteTable('reviews', {
  id: integer().primaryKey(),
  cityId: integer('city_id').notNull(),
  userId: integer('user_id').notNull(),
  rating: integer().notNull(),
  body: text().notNull(),
})

/** The tables of the route on SQLite. */
export const sqliteTables = { countries, regions, cities, users, reviews }
