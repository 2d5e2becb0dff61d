// Mocks of Jest replace a client, and its native classes are those of the other test file.
jest.mock('pg', () => ({ Client: 'mocked' }))

it('uses a mock', () => {
  expect(require('pg')).toEqual({ Client: 'mocked' })
})

it('reads a database without callbacks', () => {
  const Database = require('better-sqlite3')
  const db = new Database(':memory:')
  db.exec('CREATE TABLE books (id INTEGER)')
  for (let id = 0; id < 20; id += 1) {
    expect(db.prepare('SELECT * FROM books WHERE id = ?').all(id)).toEqual([]) // the loop
  }
  db.close()
})
