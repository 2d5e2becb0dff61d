import { integer, pgTable, serial, text } from 'drizzle-orm/pg-core'

// The columns that the route reads.
const countries = pgTable('countries', { code: text().primaryKey(), name: text().notNull() })

const regions = pgTable('regions', {
  id: integer().primaryKey(),
  code: text().notNull(),
  name: text().notNull(),
})

const cities = pgTable('cities', {
  id: integer().primaryKey(),
  name: text().notNull(),
  countryCode: text('country_code').notNull(),
  regionId: integer('region_id'),
})

const users = pgTable('users', { id: integer().primaryKey(), name: text().notNull() })

const reviews = pgTable('reviews', {
  id: serial().primaryKey(),
  cityId: integer('city_id').notNull(),
  userId: integer('user_id').notNull(),
  rating: integer().notNull(),
  body: text().notNull(),
})

/** The tables of the route on PostgreSQL. */
export const postgresqlTables = { countries, regions, cities, users, reviews }
