// Tests that do not know Sluice.
import { createServer } from 'node:http'
import knex from 'knex'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const db = knex({
  client: 'better-sqlite3',
  connection: { filename: ':memory:' },
  useNullAsDefault: true,
  pool: { min: 1, max: 1 },
})

async function namesOf(): Promise<number> {
  let rows = 0
  for (const { id } of await db('authors').select('id')) {
    const found: unknown[] = await db('authors').where({ id }) // the loop
    rows += found.length
  }
  return rows
}

beforeAll(async () => {
  await db.schema.createTable('authors', (table) => void table.increments('id'))
  await db('authors').insert(Array.from({ length: 20 }, (_, at) => ({ id: at + 1 })))
})
afterAll(() => db.destroy())

it('reads a list', async () => {
  expect(await db('authors').select('id')).toHaveLength(20)
})

describe('authors', () => {
  it('are read one by one', async () => {
    expect(await namesOf()).toBe(20)
  })
})

it('reads with a server', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.close()
  expect(await namesOf()).toBe(20)
})

describe.concurrent('at once', () => {
  it.for(['one', 'two'])('%s', async (_, { expect }) => {
    expect(await namesOf()).toBe(20)
  })
})
