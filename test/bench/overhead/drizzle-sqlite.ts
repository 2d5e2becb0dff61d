import { integer, numeric, sqliteTable, text } from 'drizzle-orm/sqlite-core'

const authors = sqliteTable('authors', {
  id: integer(),
  email: text(),
  fullName: text('full_name'),
  active: integer({ mode: 'boolean' }),
  followers: integer(),
  rating: numeric(),
  born: text(),
  updatedAt: text('updated_at'),
  countryCode: text('country_code'),
})

const posts = sqliteTable('posts', {
  id: integer(),
  slug: text(),
  title: text(),
  views: integer(),
  price: numeric(),
  createdAt: text('created_at'),
  authorId: integer('author_id'),
  editorId: integer('editor_id'),
})

/** The tables of the programs. */
export const sqliteTables = { authors, posts }
