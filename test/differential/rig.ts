import { createSluice, type Dialect, type QueryStatsSnapshot, type Sluice } from '@sluice/core'
import { unsluice, withSluice as withSluiceKnex } from '@sluice/knex'
import { sluiceAdapter, withSluice } from '@sluice/prisma'
import knex, { type Knex } from 'knex'
import { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import type { Database } from '../support/database.ts'
import { type PrismaClients, prismaClient, type TestPrismaClient } from '../support/prisma-clients.ts'
import type { Row } from '../support/random-operations.ts'
import { seed } from '../support/stack.ts'
import type { Clients } from './run-program.ts'

interface Instrumented extends Clients {
  readonly sluice: Sluice
  readonly errors: unknown[]
  close(): Promise<void>
}

/** One database, bare clients, and clients with one Sluice that caches and merges. */
export class Rig {
  readonly schema: PrismaSchema
  readonly bare: Clients
  #sluiced: Instrumented | undefined
  #seesStatements = true

  private constructor(
    private readonly database: Database,
    private readonly clients: PrismaClients,
    private readonly tables: readonly Table[],
    /** The rows of each model that a program finds. */
    readonly rows: ReadonlyMap<string, readonly Row[]>,
    private readonly bareClients: { readonly prisma: TestPrismaClient; readonly knex: Knex },
  ) {
    this.schema = new PrismaSchema(clients.schema)
    this.bare = { ...bareClients, run: (fn) => fn() }
  }

  static async open(database: Database): Promise<Rig> {
    const { dialect } = database
    // A write does not wait for the disk: a program is many of them.
    if (dialect === 'sqlite') await database.exec('PRAGMA journal_mode = WAL')
    const clients = await prismaClient(dialect, database)
    await database.exec(clients.ddl)
    const prisma = new clients.PrismaClient({ adapter: clients.createAdapter() })
    await seed(prisma)
    await seedMore(prisma)
    const { models, catalog } = new PrismaSchema(clients.schema)
    const tables = [...catalog.tables.values()].map(({ name, primaryKey, columns }) => ({
      name,
      isNumbered: primaryKey?.join() === 'id' && columns.find((column) => column.name === 'id')?.type === 'integer',
    }))
    const rows = new Map<string, readonly Row[]>()
    for (const { name } of models.values()) {
      const delegate = (prisma as unknown as Record<string, { findMany(): Promise<Row[]> }>)[
        `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`
      ]
      rows.set(name, (await delegate?.findMany()) ?? [])
    }
    const quote = quoteFor(dialect)
    for (const { name } of tables) await database.exec(`CREATE TABLE ${quote(`initial_${name}`)} AS SELECT * FROM ${quote(name)}`)
    if (dialect !== 'mysql')
      await database.exec(dialect === 'sqlite' ? 'PRAGMA foreign_keys = OFF' : 'SET session_replication_role = replica')
    return new Rig(database, clients, tables, rows, { prisma, knex: knex(database.knexConfig()) })
  }

  get dialect(): Dialect {
    return this.database.dialect
  }

  /** Clients with a Sluice; the same ones until `renew`. */
  async sluiced(): Promise<Instrumented> {
    this.#sluiced ??= await this.#instrument()
    return this.#sluiced
  }

  /**
   * The next programs meet a Sluice that knows nothing.
   *
   * @param otherKind - Whether it is to be one that sees Prisma's statements if the last one did not, and the other way round.
   */
  async renew(otherKind: boolean): Promise<QueryStatsSnapshot | undefined> {
    const stats = this.#sluiced?.sluice.queries.getStats()
    await this.#sluiced?.close()
    if (otherKind && this.#sluiced !== undefined) this.#seesStatements = !this.#seesStatements
    this.#sluiced = undefined
    return stats
  }

  /** Puts the initial rows back, past every client, and tells the Sluice. */
  async reset(): Promise<void> {
    await this.database.exec(this.#resetScript())
    this.#tellAll()
  }

  /** All rows of all tables. */
  async content(): Promise<readonly string[]> {
    const quote = quoteFor(this.dialect)
    const lines: string[] = []
    for (const { name } of this.tables) {
      const rows = await this.database.query(`SELECT * FROM ${quote(name)}`)
      const texts = rows.map(
        ({ updated_at, ...row }) => `${name} ${JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))}`,
      )
      lines.push(...texts.sort())
    }
    return lines
  }

  async close(): Promise<void> {
    await this.renew(false)
    await Promise.all([this.bareClients.prisma.$disconnect(), this.bareClients.knex.destroy()])
    await this.database.drop()
  }

  #tellAll(): void {
    for (const { name } of this.tables) this.#sluiced?.sluice.invalidate(name)
  }

  #resetScript(): string {
    const quote = quoteFor(this.dialect)
    const deletes = this.tables.map(({ name }) => `DELETE FROM ${quote(name)};`)
    const inserts = this.tables.map(({ name }) => `INSERT INTO ${quote(name)} SELECT * FROM ${quote(`initial_${name}`)};`)
    const numbered = this.tables.filter(({ isNumbered }) => isNumbered)
    switch (this.dialect) {
      case 'sqlite':
        return ['BEGIN;', ...deletes, 'DELETE FROM sqlite_sequence;', ...inserts, 'COMMIT;'].join('\n')
      case 'postgresql': {
        const counters = numbered.map(({ name }) => `SELECT setval(pg_get_serial_sequence('"${name}"', 'id'), 500);`)
        return ['BEGIN;', ...deletes, ...inserts, ...counters, 'COMMIT;'].join('\n')
      }
      case 'mysql': {
        const counters = numbered.map(({ name }) => `ALTER TABLE ${quote(name)} AUTO_INCREMENT = 1;`)
        return [
          'SET FOREIGN_KEY_CHECKS = 0;',
          'BEGIN;',
          ...deletes,
          ...inserts,
          'COMMIT;',
          ...counters,
          'SET FOREIGN_KEY_CHECKS = 1;',
        ].join('\n')
      }
    }
  }

  async #instrument(): Promise<Instrumented> {
    const { clients, database } = this
    const sluice = createSluice({ mode: 'optimize', cache: { ttl: 3600 }, detection: { threshold: 5 } })
    const errors: unknown[] = []
    sluice.on('error', (error) => errors.push(error))
    const adapter = clients.createAdapter()
    const base = new clients.PrismaClient({ adapter: this.#seesStatements ? sluiceAdapter(adapter, sluice) : adapter })
    const prisma = base.$extends(withSluice(sluice, { schema: clients.schema })) as unknown as TestPrismaClient
    const db = withSluiceKnex(knex(database.knexConfig()), sluice)
    await prisma.country.count()
    await knowsTables(sluice, db)
    return {
      sluice,
      errors,
      prisma,
      knex: db,
      run: (fn) => sluice.run(fn),
      async close() {
        await sluice.close()
        unsluice(db)
        await Promise.all([base.$disconnect(), db.destroy()])
      },
    }
  }
}

interface Table {
  readonly name: string
  /** Whether the database numbers its rows. */
  readonly isNumbered: boolean
}

/** Waits until Knex has read the catalogue: a read is answered the second time. */
async function knowsTables(sluice: Sluice, db: Knex): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    const before = sluice.queries.getStats().answered
    for (let time = 0; time < 2; time++) await db('countries').select('name').limit(1)
    if (sluice.queries.getStats().answered > before) return
    await new Promise((resolve) => setImmediate(resolve))
  }
  throw new Error('Expected Knex to have read the catalogue.')
}

function quoteFor(dialect: Dialect): (name: string) => string {
  return dialect === 'mysql' ? (name) => `\`${name}\`` : (name) => `"${name}"`
}

/** Rows for the models that `seed` leaves empty. */
async function seedMore(prisma: TestPrismaClient): Promise<void> {
  const handles = ['Ann', 'ben', null, 'chloe']
  await prisma.profile.createMany({
    data: handles.map((handle, at) => ({ id: at + 1, handle, bio: `bio ${at}`, authorId: at === 3 ? null : at + 1 })),
  })
  await prisma.badge.createMany({
    data: [
      { id: 1, text: 'first', profileHandle: 'Ann' },
      { id: 2, text: 'second', profileHandle: null },
    ],
  })
  await prisma.task.createMany({
    data: [
      { id: 1, title: 'sweep', orgId: 'o1', ownerId: 1 },
      { id: 2, title: 'mop', orgId: 'o1', ownerId: 2 },
      { id: 3, title: 'sweep', orgId: 'o2', ownerId: 1 },
      { id: 4, title: 'sweep', orgId: null, ownerId: null },
    ],
  })
  await prisma.employee.createMany({
    data: [null, 1, 1, 2, 2, 3].map((managerId, at) => ({ id: at + 1, name: `Employee ${at + 1}`, grade: at % 3, managerId })),
  })
  await prisma.employee.update({ where: { id: 1 }, data: { friends: { connect: [{ id: 2 }, { id: 3 }] } } })
  await prisma.post.update({ where: { id: 2 }, data: { tags: { connect: [{ id: 1 }, { id: 3 }] } } })
}
