// A loop, transactions, iterators, tag stores, scripts and errors, on a database of `node:sqlite`.
import { createRequire } from 'node:module'

const { APP_LOADS = 'import' } = process.env
type Row = Readonly<Record<string, unknown>>
interface Statement {
  readonly sourceSQL: string
  readonly expandedSQL: string
  all(...params: unknown[]): readonly Row[]
  get(...params: unknown[]): Row | undefined
  run(...params: unknown[]): unknown
  iterate(...params: unknown[]): IterableIterator<Row> & { toArray(): Row[] }
  setReadBigInts(reads: boolean): void
}
type Tag<T> = (strings: TemplateStringsArray, ...values: unknown[]) => T
interface TagStore {
  readonly size: number
  readonly capacity: number
  readonly all: Tag<readonly Row[]>
  readonly get: Tag<Row | undefined>
  readonly run: Tag<unknown>
  readonly iterate: Tag<Iterable<Row>>
}
interface Database {
  open(): void
  close(): void
  exec(sql: string): unknown
  prepare(sql: string): Statement
  createTagStore?(size: number): TagStore
}
interface Sqlite {
  readonly DatabaseSync: { new (path: string, options: object): Database; readonly prototype: Database }
  readonly StatementSync: { new (): Statement; readonly prototype: Statement }
}

const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] }
console.log('loaded', moduleLoadList.includes('NativeModule sqlite'))
const name = 'node:sqlite' as string
const load = {
  import: () => import(name),
  require: () => createRequire(import.meta.url)(name),
  builtin: () => process.getBuiltinModule(name),
} satisfies Readonly<Record<string, () => unknown>>
const { DatabaseSync, StatementSync } = (await load[APP_LOADS as keyof typeof load]()) as Sqlite

const show = (name: string, value: unknown) =>
  console.log(
    name,
    JSON.stringify(value, (_, one) => (typeof one === 'bigint' ? `${one}n` : one)),
  )
const rejected = (run: () => unknown) => {
  try {
    return run()
  } catch (error) {
    const { name, message, code } = error as Error & { code?: string }
    return [name, message, code]
  }
}

const db = new DatabaseSync(':memory:', { open: false })
show('not open', [rejected(() => db.exec('SELECT 1')), rejected(() => db.prepare('SELECT 1'))])
db.open()
show('script', db.exec('CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL); BEGIN'))
const insert = db.prepare('INSERT INTO author (name) VALUES (:name)')
for (let at = 1; at <= 20; at += 1) insert.run({ name: `author ${at}` })
show('inserted', [insert.run({ ':name': 'last' }), insert.sourceSQL, insert.expandedSQL])
db.exec('COMMIT')

const byId = db.prepare('SELECT id, name FROM author WHERE id = ?')
const ids = db.prepare('SELECT id FROM author ORDER BY id').all()
const loop: unknown[] = []
for (const { id } of ids) {
  loop.push(byId.get(id)) // the loop
}
show('loop', loop)
show('missing', [byId.get(99), byId.all(99), byId instanceof StatementSync, Object.keys(byId)])
byId.setReadBigInts(true)
show('big', [byId.all(1), Object.getPrototypeOf(byId.get(2) ?? {})])

const listing = db.prepare('SELECT name FROM author ORDER BY id')
const names = listing.iterate()
show('class', [Object.prototype.toString.call(names), Object.keys(names), typeof names.return])
for (const { name } of names) {
  if (name === 'author 3') break
}
show('iterated', [names.next(), [...listing.iterate()].length, listing.iterate().toArray().length])

db.exec('BEGIN')
db.exec("UPDATE author SET name = 'changed'; DELETE FROM author WHERE id = 20")
show('inside', [byId.get(1), byId.get(20)])
db.exec('ROLLBACK')
for (const run of [
  () => db.prepare('SELECT missing'),
  () => db.exec('SYNTAX'),
  () => insert.run(),
  () => insert.run({ name: null }),
  () => StatementSync.prototype.get.call({}),
  () => DatabaseSync.prototype.exec.call({}, 'SELECT 1'),
])
  show('error', rejected(run))

// Since Node 24.
if (typeof db.createTagStore === 'function') {
  const sql = db.createTagStore(4)
  const found: unknown[] = []
  for (const { id } of ids) {
    found.push(sql.get`SELECT name FROM author WHERE id = ${id}`) // the loop of the store
  }
  show('store', [found, sql.all`SELECT id FROM author WHERE id < ${3}`, sql.size, sql.capacity])
  show('written', [sql.run`UPDATE author SET name = ${'tagged'} WHERE id = ${1}`, byId.get(1)])
  show('tagged', [...sql.iterate`SELECT name FROM author WHERE id < ${4}`])
  show(
    'tag error',
    rejected(() => sql.all`SELECT missing`),
  )
}
db.close()
show('closed', [rejected(() => byId.get(1)), rejected(() => db.exec('SELECT 1')), rejected(() => db.close())])
db.open()
show('opened again', [
  rejected(() => db.prepare('SELECT * FROM author')),
  db.prepare('SELECT 1 AS one').get(),
])
const { dispose } = Symbol as { readonly dispose?: symbol }
if (dispose !== undefined) (db as unknown as Record<symbol, () => void>)[dispose]?.()
show(
  'disposed',
  rejected(() => db.exec('SELECT 1')),
)
