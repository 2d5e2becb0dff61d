// MikroORM, a version of it: a loop by key, a loop by foreign key, calls at the same time, and a transaction.
const { APP_MIKRO_ORM = '@mikro-orm/postgresql', DATABASE_URL = '' } = process.env
const { defineEntity, MikroORM, p } = (await import(APP_MIKRO_ORM)) as typeof import('@mikro-orm/postgresql')

const Author = defineEntity({
  name: 'Author',
  tableName: 'author',
  properties: {
    id: p.integer().primary(),
    name: p.text(),
    books: () => p.oneToMany(Book).mappedBy('author'),
  },
})
const Book = defineEntity({
  name: 'Book',
  tableName: 'book',
  properties: {
    id: p.integer().primary(),
    title: p.text(),
    author: () => p.manyToOne(Author).fieldName('author_id'),
  },
})

const orm = await MikroORM.init({
  clientUrl: DATABASE_URL,
  entities: [Author, Book],
  allowGlobalContext: true,
  debug: false,
})
const show = (value: unknown) => console.log(JSON.stringify(value))

const all = await orm.em.fork().find(Author, {}, { orderBy: { id: 'asc' } })
for (const { id } of all) {
  show(await orm.em.fork().findOne(Author, { id })) // the loop
}
for (const { id } of all) {
  show(await orm.em.fork().find(Book, { author: id })) // the loop of books
}
show(await Promise.all(all.map(({ id }) => orm.em.fork().find(Author, { id }, { fields: ['name'] }))))
const failed = await orm.em
  .fork()
  .transactional(async (em) => {
    const author = await em.findOneOrFail(Author, { id: 1 })
    author.name = 'changed'
    await em.flush()
    show(await em.fork().findOne(Author, { id: 1 }))
    throw new Error('rolled back')
  })
  .catch(({ message }) => message)
show([failed, await orm.em.fork().findOne(Author, { id: 1 })])
await orm.close()
