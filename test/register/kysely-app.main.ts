// An app that does not know Sluice. Prints its responses, and its statements.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import BetterSqlite from 'better-sqlite3'
import { type Generated, Kysely, SqliteDialect } from 'kysely'

let statements = 0
const countStatement = () => {
  statements += 1
}
const database = new BetterSqlite(':memory:', { verbose: countStatement })
const db = new Kysely<{ author: { id: Generated<number>; name: string } }>({
  dialect: new SqliteDialect({ database }),
})
database.exec('create table author (id integer primary key, name text)')
const values = Array.from({ length: 20 }, (_, at) => ({ name: `author ${at}` }))
await db.insertInto('author').values(values).execute()

const server = createServer(async (_request, response) => {
  const all = await db.selectFrom('author').select('id').execute()
  const reads = all.map(({ id }) => db.selectFrom('author').selectAll().where('id', '=', id).execute())
  response.end(JSON.stringify(await Promise.all(reads)))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
for (let request = 0; request < 4; request += 1) {
  const before = statements
  const response = await fetch(`http://127.0.0.1:${port}/authors`)
  console.log(await response.text())
  console.error(`request ${request} ${statements - before}`)
  // The catalog is read after the first request.
  await new Promise((resolve) => setTimeout(resolve, 50))
}
server.close()
server.closeAllConnections()
await db.destroy()
