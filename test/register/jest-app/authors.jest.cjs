// Tests that do not know Sluice.
const { createServer } = require('node:http')

const fill = async () => {
  const db = require('knex')({
    client: 'better-sqlite3',
    connection: { filename: ':memory:' },
    useNullAsDefault: true,
    pool: { min: 1, max: 1 },
  })
  await db.schema.createTable('authors', (table) => void table.increments('id'))
  await db('authors').insert(Array.from({ length: 20 }, (_, at) => ({ id: at + 1 })))
  return db
}

const namesOf = async (db) => {
  let rows = 0
  for (const { id } of await db('authors').select('id')) {
    const found = await db('authors').where({ id }) // the loop
    rows += found.length
  }
  return rows
}

let db
beforeAll(async () => {
  db = await fill()
})
afterAll(() => db.destroy())

it('reads a list', async () => {
  expect(await db('authors').select('id')).toHaveLength(20)
})

describe('authors', () => {
  it('are read one by one', async () => {
    expect(await namesOf(db)).toBe(20)
  })
})

it('reads with a server', async () => {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.close()
  expect(await namesOf(db)).toBe(20)
})

it('reads with fake timers', async () => {
  jest.resetModules()
  const copy = await fill()
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'clearTimeout'] })
  expect(await namesOf(copy)).toBe(20)
  jest.runAllTimers()
  jest.useRealTimers()
  await copy.destroy()
})
