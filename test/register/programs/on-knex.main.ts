// Knex 2, and ORMs that receive an instance of Knex: a loop by key, calls at the same time, and transactions.
import { createRequire } from 'node:module'
import type Knex from 'knex'
import { Model } from 'objection'

const require = createRequire(import.meta.url)
const { APP_CLIENT = '', DATABASE_URL: connection = '' } = process.env
const { default: knex } = (await import(APP_CLIENT === 'knex2' ? 'knex2' : 'knex')) as {
  readonly default: typeof Knex
}
const db = knex({ client: 'pg', connection, pool: { min: 0, max: 4 } })
const show = (value: unknown) => console.log(JSON.stringify(value))

class Author extends Model {
  static override tableName = 'author'
  id!: number
  name!: string
  static override relationMappings = {
    books: {
      relation: Model.HasManyRelation,
      modelClass: () => Book,
      join: { from: 'author.id', to: 'book.author_id' },
    },
  }
}
class Book extends Model {
  static override tableName = 'book'
}

/** The declarations of Bookshelf are a package of their own. */
interface BookshelfModel {
  fetch(options?: object): Promise<BookshelfModel>
  fetchAll(options?: object): Promise<readonly BookshelfModel[]>
  save(values: object, options: object): Promise<BookshelfModel>
  toJSON(): unknown
}
interface Bookshelf {
  model(name: string, members: object): { forge(values?: object): BookshelfModel }
  transaction<T>(run: (transacting: unknown) => Promise<T>): Promise<T>
}

const rolledBack = () => Promise.reject(new Error('rolled back'))
const messageOf = (error: Error) => error.message

const programs = {
  async knex2(ids: readonly number[]) {
    for (const id of ids) {
      show(await db('author').where({ id }).first()) // the loop of knex2
    }
    show(await Promise.all(ids.map((id) => db('author').select('name').where({ id }))))
    const changed = db.transaction(async (trx) => {
      await trx('author').where({ id: 1 }).update({ name: 'changed' })
      show(await trx('author').where({ id: 1 }))
      await rolledBack()
    })
    show(await changed.catch(messageOf))
    show(await db('author').where({ id: 20 }).update({ name: 'again' }).returning('name'))
    show(await db.raw('SELECT name FROM author WHERE id = ?', [20]).then(({ rows }) => rows))
    show(await db('missing').catch(({ code }) => code))
    const streamed: unknown[] = []
    for await (const row of db('author').orderBy('id').stream()) streamed.push(row)
    show(streamed)
  },
  async objection(ids: readonly number[]) {
    Model.knex(db)
    for (const id of ids) {
      show(await Author.query().findById(id)) // the loop of objection
    }
    show(await Promise.all(ids.map((id) => Author.query().select('name').where({ id }))))
    show(await Author.query().withGraphFetched('books').orderBy('id'))
    const changed = Author.transaction(async (trx) => {
      await Author.query(trx).patch({ name: 'changed' }).findById(1)
      show(await Author.query(trx).findById(1))
      await rolledBack()
    })
    show(await changed.catch(messageOf))
    show(await Author.query().patchAndFetchById(20, { name: 'again' }))
    show(await Author.query().findById(20))
  },
  async bookshelf(ids: readonly number[]) {
    const bookshelf: Bookshelf = require('bookshelf')(db)
    const authors = bookshelf.model('Author', { tableName: 'author' })
    for (const id of ids) {
      show(await authors.forge({ id }).fetch()) // the loop of bookshelf
    }
    show(await Promise.all(ids.map((id) => authors.forge({ id }).fetch({ columns: ['name'] }))))
    const changed = bookshelf.transaction(async (transacting) => {
      await authors.forge({ id: 1 }).save({ name: 'changed' }, { patch: true, transacting })
      show(await authors.forge({ id: 1 }).fetch({ transacting }))
      await rolledBack()
    })
    show(await changed.catch(messageOf))
    show(await authors.forge({ id: 20 }).save({ name: 'again' }, { patch: true }))
    show(await authors.forge({ id: 20 }).fetch())
  },
} satisfies Readonly<Record<string, (ids: readonly number[]) => Promise<void>>>

const all = await db('author').select('id').orderBy('id')
await programs[APP_CLIENT as keyof typeof programs](all.map(({ id }) => id))
show(await db('author').where({ id: 20 }).update({ name: 'author 20' }))
await db.destroy()
