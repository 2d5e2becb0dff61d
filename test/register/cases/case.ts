// The programs that prove what `sluice/register` does with each client. The tests of each database run them,
// and `scripts/generate-clients.mjs` writes the tables of the documentation from them.
import type { Program } from '../run-program.ts'

/** A client on a database. */
export interface Case extends Program {
  /** Its name in the tables, also a link. */
  readonly client: string
  /** The names under which the tests install its versions. */
  readonly packages: readonly string[]
  /** The driver or database below it, or how it is loaded. */
  readonly on?: string
  readonly optimized?: Optimized | string
}

/** The statements of a server's last request without Sluice, and in `optimize` once its loops are known. */
export type Optimized = readonly [bare: number, optimized: number]

/** It looks for its packages in the working directory, where version 7 is. */
export const MIKRO_ORM_6: Readonly<Record<string, string>> = {
  APP_MIKRO_ORM: 'mikro-orm6',
  MIKRO_ORM_ALLOW_VERSION_MISMATCH: '1',
}

/** Servers that the tests run without Sluice and in `optimize`. */
export const OPTIMIZED = {
  // Two batches, and the transaction.
  pg: [43, 5],
  // Three batches, and the transaction.
  mysql2: [63, 6],
  typeorm: [91, 34],
  mikroOrm: [91, 34],
  sequelizeOnPg: [91, 34],
  sequelizeOnMysql2: [89, 32],
  // The list, and one query for all its rows.
  kysely: [21, 2],
} as const satisfies Readonly<Record<string, Optimized>>

export const DRIZZLE_FIX =
  'db.select({ id: author.id, name: author.name }).from(author).where(inArray(author.id, keys))'

export const TYPEORM = {
  client: '[TypeORM](./typeorm.md)',
  name: 'typeorm',
  findings: 3,
  // That of a list by a relation.
  fixed: 2,
  loops: ['the loop', 'the loop of books'],
  fixes: [
    'dataSource.getRepository(Author).find({ where: { id: In(keys) } })   or relations: { author: true } in the query of Book',
  ],
}

export const SEQUELIZE = {
  client: '[Sequelize](./sequelize.md)',
  packages: ['sequelize'],
  name: 'sequelize',
  findings: 3,
  loops: ['the loop', 'the loop of books'],
  fixes: [
    "Author.findAll({ where: { id: keys } })   or include: 'author' in the query of Book",
    "Book.findAll({ where: { authorId: keys } })   or include: 'books' in the query of Author",
  ],
}

export const MIKRO_ORM = {
  client: '[MikroORM](./mikro-orm.md)',
  name: 'mikro-orm',
  findings: 3,
  loops: ['the loop', 'the loop of books'],
  fixes: [
    "em.find(Author, { id: { $in: keys } })   or populate: ['author'] in the query of Book",
    "em.find(Book, { author: { $in: keys } })   or populate: ['books'] in the query of Author",
  ],
}
