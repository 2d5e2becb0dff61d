import type { Dialect, QueryStatsSnapshot } from '@sluice/core'
import type { CatalogTable } from '@sluice/core/adapter'
import knex, { type Knex } from 'knex'
import { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import type { Database } from '../support/database.ts'
import type { PrismaClients, TestPrismaClient } from '../support/prisma-clients.ts'
import type { Row } from '../support/random-operations.ts'
import { type BuilderClients, openBuilders } from './builders/builder-clients.ts'
import type { FeaturePlan, FeatureTable } from './features/feature-plan.ts'
import { featuredVocabulary } from './features/featured-vocabulary.ts'
import { planFeatures } from './features/plan-features.ts'
import { type Instrumented, instrument, KINDS } from './instrument.ts'
import { Peer } from './peer.ts'
import type { BuilderOrm } from './program.ts'
import type { Clients, Outsider } from './run-program.ts'
import { SentStatements } from './sent-statements.ts'
import { fixedSubject, type Subject } from './subject.ts'
import type { Vocabulary } from './vocabulary.ts'

/** The lifetime of a prefetched result: the default of `prefetch.maxAgeMs`. */
const MAX_AGE_MS = 1000

interface RigOptions {
  /** @defaultValue the models of `prisma/models.prisma` */
  readonly subject?: Subject | undefined
  /**
   * The index of the first Sluice in the list of kinds.
   *
   * @defaultValue 0
   */
  readonly firstKind?: number | undefined
  /** Without one, the database only has tables and keys. */
  readonly featureSeed?: number | undefined
  /** The builders of the calls besides those of Prisma. Default: Knex. */
  readonly builders?: readonly BuilderOrm[] | undefined
}

/** One database, clients without Sluice, and clients with one Sluice that caches and batches. */
export class Rig {
  readonly bare: Clients
  readonly vocabulary: Vocabulary
  private readonly clients: PrismaClients
  /** The statements of builders without Sluice. */
  readonly bareSent: SentStatements
  readonly #peer = new Peer()
  #sluiced: Instrumented | undefined
  #kind: number

  private constructor(
    private readonly database: Database,
    { clients, vocabulary }: Subject,
    /**
     * In the order in which they may be emptied; they are filled in reverse, so that no trigger finds a row.
     */
    private readonly tables: readonly Table[],
    /** The rows of each model at the start of a program. */
    rows: ReadonlyMap<string, readonly Row[]>,
    private readonly features: FeaturePlan | undefined,
    private readonly bareClients: BareClients,
    firstKind: number,
    readonly builders: readonly BuilderOrm[] | undefined,
  ) {
    this.#kind = firstKind
    this.bareSent = bareClients.sent
    this.clients = clients
    const ground = { dialect: database.dialect, schema: new PrismaSchema(clients.schema), rows }
    const plain = vocabulary(ground)
    this.vocabulary = features === undefined ? plain : featuredVocabulary(plain, ground, features)
    const { prisma, knex: db, builders: others } = bareClients
    this.bare = { ...others, prisma, knex: db, run: (fn) => fn() }
  }

  static async open(
    database: Database,
    { subject, firstKind = 0, featureSeed, builders }: RigOptions = {},
  ): Promise<Rig> {
    const { dialect } = database
    // Writes do not wait for the disk, because a program has many.
    if (dialect === 'sqlite') await database.exec('PRAGMA journal_mode = WAL')
    const used = subject ?? (await fixedSubject(database))
    const { clients } = used
    await database.exec(clients.ddl)
    const prisma = new clients.PrismaClient({ adapter: clients.createAdapter() })
    await used.fill(prisma)
    const schema = new PrismaSchema(clients.schema)
    const features = featureSeed === undefined ? undefined : planFeatures(schema, database, featureSeed)
    for (const sql of features?.setUp ?? []) await database.exec(sql)
    const rows = new Map<string, readonly Row[]>()
    for (const { name } of schema.models.values()) {
      const delegate = (prisma as unknown as Record<string, { findMany(): Promise<Row[]> }>)[
        `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`
      ]
      rows.set(name, (await delegate?.findMany()) ?? [])
    }
    const tables = [
      ...(features?.earlier ?? []),
      ...[...schema.catalog.tables.values()].map(tableOf),
      ...(features?.later ?? []),
    ]
    const quote = quoteFor(dialect)
    for (const table of tables)
      await database.exec(
        `CREATE TABLE ${quote(initialOf(table))} AS SELECT ${table.stored ?? '*'} FROM ${quote(table.name)}`,
      )
    if (dialect !== 'mysql')
      await database.exec(
        dialect === 'sqlite' ? 'PRAGMA foreign_keys = OFF' : 'SET session_replication_role = replica',
      )
    return new Rig(
      database,
      used,
      tables,
      rows,
      features,
      await openBare(prisma, database, builders ?? []),
      firstKind,
      builders,
    )
  }

  /**
   * A database with more than tables and keys. Hidden effects show in cached results, so it begins with a
   * Sluice that caches.
   */
  static withFeatures(
    database: Database,
    { featureSeed, ...options }: Omit<RigOptions, 'firstKind'> & { readonly featureSeed: number },
  ): Promise<Rig> {
    return Rig.open(database, { ...options, featureSeed, firstKind: 1 + (featureSeed % 2) })
  }

  get dialect(): Dialect {
    return this.database.dialect
  }

  /** Clients with a Sluice; the same ones until `renew`. */
  async sluiced(): Promise<Instrumented> {
    const kind = KINDS[this.#kind % KINDS.length] ?? KINDS[0]
    if (kind === undefined) throw new Error('Expected kinds of Sluices.')
    this.#sluiced ??= await instrument(
      kind,
      this.clients,
      this.database,
      this.tables[0]?.name ?? '',
      this.builders ?? [],
    )
    return this.#sluiced
  }

  /**
   * A client that bypasses a Sluice. `undefined` if the Sluice caches, because a cache without notification
   * serves stale results.
   *
   * @param isHeard - Whether the run uses Sluice: a run of the plain ORMs has no Sluice to notify.
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
   * The next programs use a new Sluice without any state.
   *
   * @param otherKind - Whether to use the next kind.
   */
  async renew(otherKind: boolean): Promise<QueryStatsSnapshot | undefined> {
    const stats = this.#sluiced?.sluice.queries.getStats()
    await this.#sluiced?.close()
    if (otherKind && this.#sluiced !== undefined) this.#kind += 1
    this.#sluiced = undefined
    return stats
  }

  /** Restores the initial rows without any client, and notifies the Sluice. */
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
        ({ updated_at, ...row }) =>
          `${name} ${JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value))}`,
      )
      lines.push(...texts.sort())
    }
    return lines
  }

  async close(): Promise<void> {
    await this.renew(false)
    await Promise.all([
      this.bareClients.prisma.$disconnect(),
      this.bareClients.knex.destroy(),
      this.bareClients.builders.close(),
      this.#peer.close(),
    ])
    for (const sql of this.features?.tearDown ?? []) await this.database.exec(sql)
    await this.database.drop()
  }

  #tellAll(): void {
    for (const { name } of this.tables) this.#sluiced?.sluice.invalidate(name)
  }

  #resetScript(): string {
    const quote = quoteFor(this.dialect)
    const deletes = this.tables.map(({ name }) => `DELETE FROM ${quote(name)};`)
    const inserts = this.tables
      .map((table) => {
        const { name, stored } = table
        return `INSERT INTO ${quote(name)} ${stored === undefined ? '' : `(${stored})`} SELECT * FROM ${quote(initialOf(table))};`
      })
      .reverse()
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
          ({ name, numbered: column }) =>
            `SELECT setval(pg_get_serial_sequence('"${name}"', '${column}'), 500);`,
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

interface BareClients {
  readonly prisma: TestPrismaClient
  readonly knex: Knex
  readonly builders: BuilderClients
  readonly sent: SentStatements
}

async function openBare(
  prisma: TestPrismaClient,
  database: Database,
  orms: readonly BuilderOrm[],
): Promise<BareClients> {
  const sent = new SentStatements()
  const db = knex(database.knexConfig())
  sent.watch(db)
  return { prisma, knex: db, sent, builders: await openBuilders(orms, database, sent.onSent) }
}

interface Table extends FeatureTable {
  /** The column with the row numbers of the database. */
  readonly numbered?: string | undefined
}

function tableOf({ name, primaryKey, columns }: CatalogTable): Table {
  const [only = '', ...others] = primaryKey
  const isNumber = columns.find((column) => column.name === only)?.type === 'integer'
  return { name, numbered: others.length === 0 && isNumber ? only : undefined }
}

/** The table that stores the initial rows of each program. */
function initialOf({ name }: Table): string {
  return `initial_${name.replace('.', '_')}`
}

/** A table's name, optionally qualified with a schema. */
function quoteFor(dialect: Dialect): (name: string) => string {
  const mark = dialect === 'mysql' ? '`' : '"'
  return (name) =>
    name
      .split('.')
      .map((part) => `${mark}${part}${mark}`)
      .join('.')
}
