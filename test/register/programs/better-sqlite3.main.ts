// A loop, transactions, an iterator, a script and an error, on a database of `better-sqlite3`.
import Database from 'better-sqlite3'

const db = new Database(':memory:')
const show = (name: string, value: unknown) => console.log(name, JSON.stringify(value))
db.exec('CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL)')
const insert = db.prepare('INSERT INTO author (name) VALUES (?)')
const insertAll = db.transaction((count: number) => {
  for (let at = 1; at <= count; at += 1) insert.run(`author ${at}`)
  return count
})
show('inserted', insertAll(20))

const byId = db.prepare('SELECT id, name FROM author WHERE id = ?')
const ids = db.prepare('SELECT id FROM author ORDER BY id').pluck().all() as number[]
const loop: unknown[] = []
for (const id of ids) {
  loop.push(byId.get(id)) // the loop
}
show('loop', loop)
show('missing', [byId.get(99), byId.all(99), byId.raw().get(1), byId.raw(false).get(2)])
const bound = ids.map((id) => db.prepare('SELECT name FROM author WHERE id = ?').bind(id))
show(
  'bound',
  bound.map((statement) => statement.get()), // the bound loop
)
const names: unknown[] = []
for (const { name } of db.prepare('SELECT name FROM author ORDER BY id').iterate() as Iterable<{
  name: string
}>) {
  names.push(name)
  if (names.length === 3) break
}
show('iterated', names)
const failing = db.transaction(() => {
  db.prepare('UPDATE author SET name = ?').run('changed')
  throw new Error('rolled back')
})
for (const run of [
  failing,
  () => db.prepare('SELECT missing'),
  () => db.exec('SYNTAX'),
  () => insert.run(),
]) {
  try {
    run()
  } catch (error) {
    show('error', (error as Error).message)
  }
}
show('after', [byId.get(1), db.inTransaction, db.prepare('SELECT count(*) AS count FROM author').get()])
db.close()
show('closed', db.open)
