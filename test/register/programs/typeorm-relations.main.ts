// A server that reads authors with their books by TypeORM's `findOne`: in a loop, and at the same time.
import type { DataSource as DataSourceType, EntitySchema as EntitySchemaType } from 'typeorm'
import { countMysql2Statements } from './mysql2-statements.ts'
import { countPgStatements } from './pg-statements.ts'
import { serve } from './serve.ts'

const { DATABASE_URL: url = '', APP_TYPEORM = 'typeorm' } = process.env
const { DataSource, EntitySchema } = (await import(APP_TYPEORM)) as {
  readonly DataSource: typeof DataSourceType
  readonly EntitySchema: typeof EntitySchemaType
}

interface Author {
  readonly id: number
  readonly name: string
  readonly books: readonly Book[]
}
interface Book {
  readonly id: number
  readonly title: string
  readonly author: Author
}

const Author = new EntitySchema<Author>({
  name: 'Author',
  tableName: 'author',
  columns: { id: { type: Number, primary: true }, name: { type: 'text' } },
  relations: { books: { type: 'one-to-many', target: 'Book', inverseSide: 'author' } },
})
const Book = new EntitySchema<Book>({
  name: 'Book',
  tableName: 'book',
  columns: { id: { type: Number, primary: true }, title: { type: 'text' } },
  relations: {
    author: {
      type: 'many-to-one',
      target: 'Author',
      joinColumn: { name: 'author_id' },
      inverseSide: 'books',
    },
  },
})
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
