// A server whose services return the promises of TypeORM, without awaiting them.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DataSource as DataSourceType, EntitySchema as EntitySchemaType } from 'typeorm'

const { DATABASE_FILE, APP_TYPEORM = 'typeorm' } = process.env
const { DataSource, EntitySchema } = (await import(APP_TYPEORM)) as {
  readonly DataSource: typeof DataSourceType
  readonly EntitySchema: typeof EntitySchemaType
}

const Author = new EntitySchema<{ readonly id: number; readonly name: string }>({
  name: 'Author',
  tableName: 'author',
  columns: { id: { type: Number, primary: true }, name: { type: 'text' } },
})
const source = new DataSource({
  type: 'better-sqlite3',
  database: DATABASE_FILE ?? '',
  entities: [Author],
  logging: false,
})
await source.initialize()
const authors = source.getRepository(Author)

const service = {
  one: (id: number) => authors.findOneBy({ id }),
  other: (id: number) => authors.findOneBy({ id }), // those at the same time
}

const server = createServer(async ({ url }, response) => {
  const found: unknown[] = []
  const all = await authors.find({ order: { id: 'ASC' } })
  if (url === '/together') found.push(await Promise.all(all.map(({ id }) => service.other(id))))
  else {
    for (const { id } of all) {
      found.push(await service.one(id)) // the loop
    }
  }
  response.end(JSON.stringify(found))
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
for (const path of ['/one', '/one', '/together', '/together'])
  console.log(await (await fetch(`http://127.0.0.1:${port}${path}`)).text())
server.close()
await source.destroy()
