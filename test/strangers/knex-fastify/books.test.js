import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createSluice } from '@sluice/core'
import { expectQueries } from '@sluice/core/testing'
import { sluicePlugin } from '@sluice/fastify'
import { withSluice } from '@sluice/knex'
import fastify from 'fastify'
import knexFactory from 'knex'

const sluice = createSluice()
const connection = { client: 'better-sqlite3', connection: ':memory:', useNullAsDefault: true }
const db = withSluice(knexFactory({ ...connection, pool: { min: 1, max: 1 } }), sluice)
const app = fastify()

async function books() {
  const found = await db('book')
  return Promise.all(
    found.map(async (book) => ({
      ...book,
      author: await db('author').where({ id: book.author_id }).first(),
    })),
  )
}

before(async () => {
  await db.schema.createTable('author', (table) => table.increments('id'))
  await db.schema.createTable('book', (table) => {
    table.increments('id')
    table.integer('author_id')
  })
  for (let id = 1; id <= 10; id += 1) {
    await db('author').insert({ id })
    await db('book').insert({ author_id: id })
  }
  await app.register(sluicePlugin, { sluice })
  app.get('/books', books)
})

after(async () => {
  await app.close()
  await sluice.close()
  await db.destroy()
})

test('reports its N+1 query with the call site', async () => {
  const found = []
  sluice.on('finding', (finding) => found.push(finding))
  const response = await app.inject('/books')
  assert.equal(response.json().length, 10)
  assert.deepEqual(
    found.map(({ code }) => code),
    ['N_PLUS_ONE'],
  )
  assert.match(found[0].callSite.file, /books\.test\.js$/)
})

test('has a budget', async () => {
  await expectQueries(() => db('book')).toBe(1)
  await assert.rejects(expectQueries(books).toBeAtMost(3), /expected at most 3 queries, got 11/)
})
