import type { Dialect, QueryStatsSnapshot } from '@sluice/core'
import type { CatalogTable } from '@sluice/core/adapter'
import knex, { type Knex } from 'knex'
import { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import type { Database } from '../support/database.ts'
import type { PrismaClients, TestPrismaClient } from '../support/prisma-clients.ts'
import type { Row } from '../support/random-operations.ts'
import { type Instrumented, instrument, KINDS } from './instrument.ts'
import { Peer } from './peer.ts'
import type { Clients, Outsider } from './run-program.ts'
import { fixedSubject, type Subject } from './subject.ts'
import type { Vocabulary } from './vocabulary.ts'
import { type WidestSelect, watchWidest } from './widest-select.ts'

/** For how long what was asked ahead is given: the default of `prefetch.maxAgeMs`. */
const MAX_AGE_MS = 1000

/** One database, bare clients, and clients with one Sluice that caches and merges. */
export class Rig {
  readonly bare: Clients
  readonly vocabulary: Vocabulary
  private readonly clients: PrismaClients
  /** How many values a select of the bare Knex carries. */
  readonly bareWidest: WidestSelect
  readonly #peer = new Peer()
  #sluiced: Instrumented | undefined
  #kind: number

  private constructor(
    private readonly database: Database,
    { clients, vocabulary }: Subject,
    private readonly tables: readonly Table[],
    /** The rows of each model that a program finds. */
    rows: ReadonlyMap<string, readonly Row[]>,
    private readonly bareClients: { readonly prisma: TestPrismaClient; readonly knex: Knex },
    firstKind: number,
  ) {
    this.#kind = firstKind
    this.bareWidest = watchWidest(bareClients.knex)
    this.clients = clients
    this.vocabulary = vocabulary({ dialect: database.dialect, schema: new PrismaSchema(clients.schema), rows })
    this.bare = { ...bareClients, run: (fn) => fn() }
  }

  /**
   * @param subject - Left out: the models of `prisma/models.prisma`.
   * @param firstKind - The place in the list of kinds of the first Sluice.
   */
  static async open(database: Database, subject?: Subject, firstKind = 0): Promise<Rig> {
    const { dialect } = database
    // A write does not wait for the disk: a program is many of them.
    if (dialect === 'sqlite') await database.exec('PRAGMA journal_mode = WAL')
    const used = subject ?? (await fixedSubject(database))
    const { clients } = used
    await database.exec(clients.ddl)
    const prisma = new clients.PrismaClient({ adapter: clients.createAdapter() })
    await used.fill(prisma)
    const { models, catalog } = new PrismaSchema(clients.schema)
    const rows = new Map<string, readonly Row[]>()
    for (const { name } of models.values()) {
      const delegate = (prisma as unknown as Record<string, { findMany(): Promise<Row[]> }>)[
        `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`
      ]
      rows.set(name, (await delegate?.findMany()) ?? [])
    }
    const tables = [...catalog.tables.values()].map(tableOf)
    const quote = quoteFor(dialect)
    for (const { name } of tables) await database.exec(`CREATE TABLE ${quote(`initial_${name}`)} AS SELECT * FROM ${quote(name)}`)
    if (dialect !== 'mysql')
      await database.exec(dialect === 'sqlite' ? 'PRAGMA foreign_keys = OFF' : 'SET session_replication_role = replica')
    return new Rig(database, used, tables, rows, { prisma, knex: knex(database.knexConfig()) }, firstKind)
  }

  get dialect(): Dialect {
    return this.database.dialect
  }

  /** Clients with a Sluice; the same ones until `renew`. */
  async sluiced(): Promise<Instrumented> {
    const kind = KINDS[this.#kind % KINDS.length] ?? KINDS[0]
    if (kind === undefined) throw new Error('Expected kinds of Sluices.')
    this.#sluiced ??= await instrument(kind, this.clients, this.database, this.tables[0]?.name ?? '')
    return this.#sluiced
  }

  /**
   * Somebody who writes past a Sluice. `undefined` where it caches: a cache holds what nobody tells it of.
   *
   * @param isHeard - Whether it is the Sluice's run: on the bare ORMs' there is nobody to tell.
   */
  outsiderBeside({ kind, pass }: Instrumented, isHeard: boolean): Outsider | undefined {
    if (kind.caches) return undefined
    return {
      knex: this.bareClients.knex,
      tell: async (told) => {
        if (!isHeard) return
        if (told === 'by age') pass(MAX_AGE_MS + 1)
        if (told === 'by a request') await this.#peer.request()
      },
    }
  }

  /**
   * The next programs meet a Sluice that knows nothing.
   *
   * @param otherKind - Whether it is to be one of the next kind.
   */
  async renew(otherKind: boolean): Promise<QueryStatsSnapshot | undefined> {
    const stats = this.#sluiced?.sluice.queries.getStats()
    await this.#sluiced?.close()
    if (otherKind && this.#sluiced !== undefined) this.#kind += 1
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
    await Promise.all([this.bareClients.prisma.$disconnect(), this.bareClients.knex.destroy(), this.#peer.close()])
    await this.database.drop()
  }

  #tellAll(): void {
    for (const { name } of this.tables) this.#sluiced?.sluice.invalidate(name)
  }

  #resetScript(): string {
    const quote = quoteFor(this.dialect)
    const deletes = this.tables.map(({ name }) => `DELETE FROM ${quote(name)};`)
    const inserts = this.tables.map(({ name }) => `INSERT INTO ${quote(name)} SELECT * FROM ${quote(`initial_${name}`)};`)
    const numbered = this.tables.filter(({ numbered: column }) => column !== undefined)
    switch (this.dialect) {
      case 'sqlite':
        return [
          'BEGIN;',
          ...deletes,
          ...(this.clients.ddl.includes('AUTOINCREMENT') ? ['DELETE FROM sqlite_sequence;'] : []),
          ...inserts,
          'COMMIT;',
        ].join('\n')
      case 'postgresql': {
        const counters = numbered.map(
          ({ name, numbered: column }) => `SELECT setval(pg_get_serial_sequence('"${name}"', '${column}'), 500);`,
        )
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
}

interface Table {
  readonly name: string
  /** The column by which the database numbers its rows. */
  readonly numbered: string | undefined
}

function tableOf({ name, primaryKey, columns }: CatalogTable): Table {
  const [only = '', ...others] = primaryKey
  const isNumber = columns.find((column) => column.name === only)?.type === 'integer'
  return { name, numbered: others.length === 0 && isNumber ? only : undefined }
}

function quoteFor(dialect: Dialect): (name: string) => string {
  return dialect === 'mysql' ? (name) => `\`${name}\`` : (name) => `"${name}"`
}
