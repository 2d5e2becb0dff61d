// TypeORM: a loop by key, a loop by foreign key, calls at the same time, and a transaction.
import { Author, Book, DataSource } from './typeorm-entities.ts'

const { DATABASE_FILE, DATABASE_URL = '', APP_CONNECTOR: connectorPackage } = process.env
const source = new DataSource({
  ...(DATABASE_FILE === undefined
    ? { type: DATABASE_URL.startsWith('mysql:') ? 'mysql' : ('postgres' as never), url: DATABASE_URL }
    : { type: 'better-sqlite3' as const, database: DATABASE_FILE }),
  ...(connectorPackage && ({ connectorPackage } as object)),
  entities: [Author, Book],
  logging: false,
})
await source.initialize()
const authors = source.getRepository(Author)
const books = source.getRepository(Book)
const show = (value: unknown) => console.log(JSON.stringify(value))

const all = await authors.find({ order: { id: 'ASC' } })
for (const { id } of all) {
  show(await authors.findOneBy({ id })) // the loop
}
for (const { id } of all) {
  show(await books.find({ where: { author: { id } } })) // the loop of books
}
show(await Promise.all(all.map(({ id }) => authors.find({ where: { id }, select: { name: true } }))))
const failed = await source
  .transaction(async (manager) => {
    await manager.update(Author, { id: 1 }, { name: 'changed' })
    show(await manager.findOneBy(Author, { id: 1 }))
    throw new Error('rolled back')
  })
  .catch(({ message }) => message)
show([failed, await authors.findOneBy({ id: 1 })])
await source.destroy()
