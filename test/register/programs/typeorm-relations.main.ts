// A server that reads authors with their books by TypeORM's `findOne`: in a loop, and at the same time.
import { countMysql2Statements } from './mysql2-statements.ts'
import { countPgStatements } from './pg-statements.ts'
import { serve } from './serve.ts'
import { Author, Book, DataSource } from './typeorm-entities.ts'

const { DATABASE_URL: url = '' } = process.env
const isMysql = url.startsWith('mysql:')
const statements = isMysql ? countMysql2Statements() : countPgStatements()
const source = new DataSource({
  ...(isMysql ? { type: 'mysql', connectorPackage: 'mysql2' } : { type: 'postgres' as never }),
  url,
  entities: [Author, Book],
  logging: false,
})
await source.initialize()
const authors = source.getRepository(Author)
const one = async (id: number) => {
  const { books = [], ...own } = (await authors.findOne({ where: { id }, relations: { books: true } })) ?? {}
  return { ...own, books: [...books].sort((left, right) => left.id - right.id) }
}

let requests = 0
await serve(
  async () => {
    requests += 1
    const all = await authors.find({ select: { id: true }, order: { id: 'ASC' } })
    if (requests % 2 === 0) return Promise.all(all.map(({ id }) => one(id)))
    const found: unknown[] = []
    for (const { id } of all) found.push(await one(id))
    return found
  },
  { requests: 8, statements },
)
await source.destroy()
