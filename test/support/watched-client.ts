import { analyzeSql, type Dialect } from '@sluice/core'
import { canonicalKey, type TableId } from '@sluice/core/adapter'
import { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import { areFound } from '../../packages/prisma/src/touches/pinned-rows.ts'
import { touches } from '../../packages/prisma/src/touches/touches.ts'
import type { KnownRead } from './cached-reads.ts'
import { type ChangeLog, createChangeLog } from './change-log.ts'
import { type Database, freshDatabase } from './databases.ts'
import { prismaClient, type TestPrismaClient } from './prisma-clients.ts'
import type { RandomOperation, Row } from './random-operations.ts'
import { watchStatements } from './watch-statements.ts'

type Delegate = Readonly<Record<string, (args: unknown) => Promise<unknown>>>

/**
 * A client on a separate database, with everything that reports which rows its operations read and modify.
 */
export class WatchedClient {
  readonly rows: Map<string, readonly Row[]> = new Map()

  private constructor(
    private readonly database: Database,
    readonly schema: PrismaSchema,
    readonly client: TestPrismaClient,
    readonly log: ChangeLog,
    private readonly statements: string[],
  ) {}

  static async open(dialect: Dialect): Promise<WatchedClient> {
    const database = await freshDatabase(dialect)
    const { PrismaClient, createAdapter, schema: data, ddl } = await prismaClient(dialect, database)
    await database.exec(ddl)
    const schema = new PrismaSchema(data)
    const log = await createChangeLog(database, schema.catalog)
    const statements: string[] = []
    const adapter = watchStatements(createAdapter(), (sql) => statements.push(sql))
    return new WatchedClient(database, schema, new PrismaClient({ adapter }), log, statements)
  }

  run({ model, action, args }: RandomOperation): Promise<unknown> {
    const name = `${model.slice(0, 1).toLowerCase()}${model.slice(1)}`
    const act = (this.client as unknown as Readonly<Record<string, Delegate>>)[name]?.[action]
    if (act === undefined) throw new Error(`Expected ${model} to have ${action}.`)
    return act(args)
  }

  /** A read as the cache sees it. */
  known(operation: RandomOperation): KnownRead {
    const { model, action, args } = operation
    const { reads, pinned } = touches(this.schema, model, action, args)
    return {
      name: `${model}.${action}(${canonicalKey(args)})`,
      tables: reads,
      rows: pinned === undefined ? undefined : new Map([[pinned.table, pinned.buckets]]),
      isComplete: (value) => pinned !== undefined && areFound(value, action, pinned.count),
      isOrdered: args.orderBy !== undefined,
      ask: () => this.run(operation),
    }
  }

  /** Reads the rows of the models whose tables changed, and initially of all models. */
  async load(changed?: ReadonlySet<TableId>): Promise<void> {
    for (const [model, { table, primaryKey }] of this.schema.models) {
      if (changed?.has(table) === false) continue
      const orderBy = primaryKey.map((field) => ({ [field]: 'asc' }))
      this.rows.set(model, (await this.run({ model, action: 'findMany', args: { orderBy } })) as Row[])
    }
    this.statements.length = 0
  }

  /** The tables of the statements since the last call, as named in the SQL. */
  seen(): { readonly reads: Set<TableId>; readonly writes: Set<TableId> } {
    const { catalog, dialect } = this.schema
    // MySQL's statements contain the name of the database, which is not part of a table's id here.
    const idOf = (name: readonly string[]) => catalog.idOf(dialect === 'mysql' ? name.slice(-1) : name)
    const seen = { reads: new Set<TableId>(), writes: new Set<TableId>() }
    for (const sql of this.statements.splice(0)) {
      const { statement } = analyzeSql(sql, dialect)
      if (statement.opaque !== undefined) throw new Error(`${statement.opaque}: ${sql}`)
      for (const name of statement.reads) seen.reads.add(idOf(name))
      for (const { name } of statement.writes) seen.writes.add(idOf(name))
    }
    return seen
  }

  async close(): Promise<void> {
    await this.client.$disconnect()
    await this.database.drop()
  }
}
