// Authors and their books as entities, of the version of TypeORM that a test asks for.
import type { DataSource as DataSourceType, EntitySchema as EntitySchemaType } from 'typeorm'

const { APP_TYPEORM = 'typeorm' } = process.env
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

export const Author = new EntitySchema<Author>({
  name: 'Author',
  tableName: 'author',
  columns: { id: { type: Number, primary: true }, name: { type: 'text' } },
  relations: { books: { type: 'one-to-many', target: 'Book', inverseSide: 'author' } },
})
export const Book = new EntitySchema<Book>({
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

export { DataSource }
