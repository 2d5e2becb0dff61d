// Loops, calls at the same time, transactions, prepared statements, events and errors, on `sqlite3`.
import type { EventEmitter } from 'node:events'
import { createRequire } from 'node:module'

type Callback = (
  this: { readonly lastID: number; readonly changes: number; readonly sql: string },
  ...results: unknown[]
) => void
interface Runs extends EventEmitter {
  run(...args: unknown[]): this
  get(...args: unknown[]): this
  all(...args: unknown[]): this
  each(...args: unknown[]): this
  map(...args: unknown[]): this
}
interface Statement extends Runs {
  bind(...args: unknown[]): this
  finalize(done: () => void): Database
}
interface Database extends Runs {
  exec(sql: string, done?: Callback): this
  prepare(...args: unknown[]): Statement
  serialize(run: () => void): void
  close(done: Callback): void
}
interface Sqlite3 {
  readonly Database: new (file: string) => Database
  verbose(): Sqlite3
}

const sqlite3: Sqlite3 = createRequire(import.meta.url)('sqlite3')
if (process.env.APP_VERBOSE === 'yes') sqlite3.verbose()
const db = new sqlite3.Database(':memory:')
const show = (name: string, ...values: unknown[]) => console.log(name, JSON.stringify(values))
const called = (call: (done: Callback) => unknown): Promise<unknown> =>
  new Promise((resolve, reject) =>
    call(function (error, result) {
      if (error) reject(error)
      else resolve(result ?? [this.lastID, this.changes])
    }),
  )
const messageOf = ({ message }: Error) => message

// They arrive at any time.
const events: string[] = []
for (const event of ['trace', 'change'])
  db.on(event, (...args) => void events.push(JSON.stringify([event, ...args])))
const chained = db.exec('CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL)')
await called((done) => chained.run("INSERT INTO author (name) VALUES ('author 1')", done))
show('chained', chained === db)
const insert = db.prepare('INSERT INTO author (name) VALUES (?)')
for (let at = 2; at < 20; at += 1) insert.run(`author ${at}`)
show('inserted', await called((done) => insert.run('author 20', done)))
insert.run('author 21', () => show('before it is finalized'))
show('finalized', await new Promise((resolve) => insert.finalize(() => resolve('now'))))

const authors = (await called((done) => db.all('SELECT id FROM author ORDER BY id', done))) as {
  readonly id: number
}[]
for (const { id } of authors) {
  show('loop', await called((done) => db.get('SELECT id, name FROM author WHERE id = ?', [id], done))) // the loop
}
const byId = db.prepare('SELECT name FROM author WHERE id = ?')
for (const { id } of authors) {
  show('prepared', await called((done) => byId.get(id, done))) // the prepared loop
}
const named = db.prepare('SELECT id FROM author WHERE name = $name')
for (const { id } of authors) {
  const values = { $name: `author ${id}` }
  show('named', await called((done) => named.all(values, done))) // the loop of names
}
const together = authors.map(({ id }) =>
  called((done) => db.all('SELECT * FROM author WHERE id = ?', id, done)),
)
show('together', await Promise.all(together))
show('missing', await called((done) => byId.get(99, done)), await called((done) => byId.all(99, done)))
show('bound', await called((done) => db.prepare('SELECT name FROM author WHERE id = ?', 3).get(done)))
show('mapped', await called((done) => db.map('SELECT id, name FROM author WHERE id < 4', done)))
show('mapped again', await called((done) => db.prepare('SELECT id, name FROM author').map(done)))
const each: unknown[] = []
const row: Callback = function (error, one) {
  each.push([error, one, this.sql])
}
show('each', await called((done) => db.each('SELECT id FROM author WHERE id < ?', 4, row, done)), each)
await new Promise((resolve) =>
  db.each('SELECT 1 AS one', (_: unknown, one: unknown) => resolve(show('one', one))),
)

const serialized = new Promise((resolve) =>
  db.serialize(() => {
    db.run('BEGIN')
    db.run(
      'UPDATE author SET name = ? WHERE id > ?',
      'changed',
      18,
      function (this: unknown, error: unknown) {
        show('updated', error, (this as { changes: number }).changes)
      },
    )
    db.get('SELECT name FROM author WHERE id = 20', (...results: unknown[]) => show('inside', ...results))
    db.exec('ROLLBACK; SELECT 1', (...results) => resolve(results))
  }),
)
show('rolled back', await serialized)
show('after', await called((done) => db.get('SELECT name FROM author WHERE id = 20', done)))
await called((done) => db.run('BEGIN', done))
await called((done) => db.run('DELETE FROM author WHERE id = 21', done))
show('committed', await called((done) => db.run('COMMIT', done)))

show('error', await called((done) => db.all('SELECT missing', done)).catch(messageOf))
show('error of each', await called((done) => db.each('SELECT missing', row, done)).catch(messageOf))
await new Promise<void>((resolve) =>
  db.each('SELECT wrong', (error: Error) => resolve(show('alone', messageOf(error)))),
)
show(
  'constraint',
  await called((done) => db.run("INSERT INTO author VALUES (1, 'again')", done)).catch(messageOf),
)
show('syntax', await called((done) => db.exec('SYNTAX', done)).catch(messageOf))
for (const wrong of [() => db.exec(7 as never), () => db.exec('SELECT 1', 'x' as never)]) {
  try {
    wrong()
  } catch (error) {
    show('thrown', messageOf(error as Error))
  }
}
const emitted = new Promise((resolve) => db.once('error', resolve))
db.exec('ANOTHER')
show('emitted', messageOf((await emitted) as Error))
const failing = db.prepare("INSERT INTO author VALUES (1, 'again')")
const failed = new Promise((resolve) => failing.once('error', resolve))
failing.run()
show('emitted by a statement', messageOf((await failed) as Error))
for (const statement of [byId, named, failing]) statement.finalize(() => show('closed'))
show('busy', await called((done) => db.close(done)).catch(messageOf))
show('events', events.sort())
// The driver does not use a database again whose error was thrown.
const other = new sqlite3.Database(':memory:')
process.once('uncaughtException', (error) => {
  show('uncaught', messageOf(error))
  process.exit()
})
other.run('WRONG')
