import { createSluice } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice } from '@sluice/knex'
import express from 'express'
import knexFactory from 'knex'

export const sluice = createSluice()
export const db = withSluice(
  knexFactory({
    client: 'better-sqlite3',
    connection: ':memory:',
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  }),
  sluice,
)

export async function seed(): Promise<void> {
  await db.schema.createTable('author', (table) => {
    table.increments('id')
    table.string('name')
  })
  await db.schema.createTable('book', (table) => {
    table.increments('id')
    table.integer('author_id')
  })
  for (let id = 1; id <= 10; id += 1) {
    await db('author').insert({ name: `Author ${id}` })
    await db('book').insert({ author_id: id })
  }
}

export async function books(): Promise<unknown[]> {
  const found = await db('book')
  const list: unknown[] = []
  for (const book of found)
    list.push({ ...book, author: await db('author').where({ id: book.author_id }).first() })
  return list
}

export async function booksAtOnce(): Promise<unknown[]> {
  const found = await db('book')
  const authors = await db('author').whereIn(
    'id',
    found.map(({ author_id }) => author_id),
  )
  return found.map((book) => ({ ...book, author: authors.find(({ id }) => id === book.author_id) }))
}

export const app = express()
app.use(sluiceMiddleware(sluice))
app.get('/books', async (_, response) => void response.json(await books()))
