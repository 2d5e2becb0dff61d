import { bigint, boolean, integer, numeric, pgTable, text, timestamp } from 'drizzle-orm/pg-core'

const time = { precision: 3, mode: 'string' } as const

const authors = pgTable('authors', {
  id: integer(),
  email: text(),
  fullName: text('full_name'),
  active: boolean(),
  followers: bigint({ mode: 'bigint' }),
  rating: numeric(),
  born: timestamp(time),
  updatedAt: timestamp('updated_at', time),
  countryCode: text('country_code'),
})

const posts = pgTable('posts', {
  id: integer(),
  slug: text(),
  title: text(),
  views: integer(),
  price: numeric(),
  createdAt: timestamp('created_at', time),
  authorId: integer('author_id'),
  editorId: integer('editor_id'),
})

/** The tables of the programs. */
export const postgresqlTables = { authors, posts }
