// Sequelize: a loop by key, a loop of an association, calls at the same time, and a transaction.
import { DataTypes, Sequelize } from 'sequelize'

const sequelize = new Sequelize(process.env.DATABASE_URL ?? '', { logging: false })
const options = { timestamps: false, freezeTableName: true }
const Author = sequelize.define('Author', { name: DataTypes.TEXT }, { ...options, tableName: 'author' })
const Book = sequelize.define(
  'Book',
  { title: DataTypes.TEXT, authorId: { type: DataTypes.INTEGER, field: 'author_id' } },
  { ...options, tableName: 'book' },
)
Author.hasMany(Book, { as: 'books', foreignKey: 'authorId' })
Book.belongsTo(Author, { as: 'author', foreignKey: 'authorId' })
const show = (value: unknown) => console.log(JSON.stringify(value))

const all = await Author.findAll({ order: [['id', 'ASC']] })
const ids = all.map((author) => author.get('id') as number)
for (const id of ids) {
  show(await Author.findByPk(id)) // the loop
}
for (const author of all as unknown as readonly { getBooks(): Promise<unknown> }[]) {
  show(await author.getBooks()) // the loop of books
}
show(await Promise.all(ids.map((id) => Author.findOne({ where: { id }, attributes: ['name'] }))))
const failed = await sequelize
  .transaction(async (transaction) => {
    await Author.update({ name: 'changed' }, { where: { id: 1 }, transaction })
    show(await Author.findByPk(1, { transaction }))
    throw new Error('rolled back')
  })
  .catch(({ message }) => message)
show([failed, await Author.findByPk(1)])
await sequelize.close()
