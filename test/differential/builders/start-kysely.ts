import {
  CompiledQuery,
  type Expression,
  type ExpressionBuilder,
  type Kysely,
  MysqlAdapter,
  PostgresAdapter,
  type SelectQueryBuilder,
  type SqlBool,
  SqliteAdapter,
  sql,
} from 'kysely'
import type { BuilderCall } from '../program.ts'
import {
  alternativesOf,
  type BuilderQuery,
  type BuilderWrite,
  type Condition,
  type Output,
  readChain,
} from './builder-query.ts'

type KyselyTables = Record<string, Record<string, unknown>>
export type KyselyDb = Kysely<KyselyTables>
type Fields = Readonly<Record<string, unknown>>
type Select = SelectQueryBuilder<KyselyTables, string, Record<string, unknown>>
type Expressions = ExpressionBuilder<KyselyTables, string>

interface OnBuilder {
  onRef(left: string, operator: '=', right: string): OnBuilder
}
type Joining = (table: string, on: (join: OnBuilder) => OnBuilder) => Select
interface Filtered {
  where(column: string, operator: string, value: unknown): this
  where(expression: (eb: Expressions) => Expression<SqlBool>): this
}

/** Sends the call as an app of Kysely writes it. */
export function startKysely({ table, chain, order }: BuilderCall, db: KyselyDb): Promise<unknown> {
  const builder = new KyselyCall(db)
  if (table === undefined) return builder.raw(chain[0]?.slice(1) ?? [])
  const query = readChain(table, chain)
  return query.write === undefined
    ? builder.read(query, order === 'doubtful')
    : builder.write(query, query.write)
}

class KyselyCall {
  readonly #adapter: unknown

  constructor(private readonly db: KyselyDb) {
    this.#adapter = db.getExecutor().adapter
  }

  raw([text, values = []]: readonly unknown[]): Promise<unknown> {
    let number = 0
    const sent =
      this.#adapter instanceof PostgresAdapter
        ? String(text).replace(/\?/g, () => `$${++number}`)
        : String(text)
    return this.db.executeQuery(CompiledQuery.raw(sent, [...(values as unknown[])]))
  }

  /** @param isDoubtful - Whether the database chooses which of several rows is the first, not the app. */
  async read(query: BuilderQuery, isDoubtful: boolean): Promise<unknown> {
    const { joins, groupBy, offset, takes, outputs } = query
    const limit = takes === 'first' && isDoubtful ? 1 : query.limit
    let select = this.db.selectFrom(nameOf(query)) as Select
    for (const { kind, table, on } of joins) {
      const joined = (join: OnBuilder) =>
        on.reduce((built, [left, right]) => built.onRef(left, '=', right), join)
      const add = (kind === 'inner' ? select.innerJoin : select.leftJoin) as unknown as Joining
      select = add.call(select, table, joined)
    }
    for (const output of outputs) select = withOutput(select, output)
    if (outputs.length === 0) select = select.selectAll()
    if (query.isDistinct) select = select.distinct()
    select = this.#filtered(select, query.where)
    if (groupBy.length > 0) select = select.groupBy([...groupBy])
    // In a string, Kysely takes what follows a space for the direction.
    for (const { column, descending, nulls } of query.orderBy)
      select = select.orderBy(sql.ref(column), (built) => {
        const directed = descending ? built.desc() : built.asc()
        return nulls === undefined ? directed : directed.nullsLast()
      })
    if (limit !== undefined) select = select.limit(limit)
    if (offset !== undefined) select = select.offset(offset)
    if (query.isLocking) select = select.forShare()
    if (takes === 'first') return await select.executeTakeFirst()
    const rows = await select.execute()
    return takes === 'all' ? rows : rows.map((row) => row[takes.pluck])
  }

  async write({ table, where }: BuilderQuery, write: BuilderWrite): Promise<unknown> {
    const { db } = this
    switch (write.kind) {
      case 'delete':
        return await this.#filtered(db.deleteFrom(table), where).executeTakeFirst()
      case 'update': {
        const updated = db.updateTable(table).set(this.#inDriver(write.fields))
        return await this.#filtered(updated, where).executeTakeFirst()
      }
      case 'increment': {
        const { column, by } = write
        const updated = db.updateTable(table).set((eb) => ({ [column]: eb(column, '+', by) }))
        return await this.#filtered(updated, where).executeTakeFirst()
      }
      case 'insert': {
        const inserted = db.insertInto(table).values(write.rows.map((row) => this.#inDriver(row)))
        if (write.conflict === undefined) return await inserted.execute()
        const { column, updated } = write.conflict
        if (this.#adapter instanceof MysqlAdapter)
          return await inserted
            .onDuplicateKeyUpdate(
              Object.fromEntries(updated.map((name) => [name, sql`values(${sql.ref(name)})`])),
            )
            .execute()
        return await inserted
          .onConflict((conflict) =>
            conflict
              .column(column)
              .doUpdateSet((eb) =>
                Object.fromEntries(updated.map((name) => [name, eb.ref(`excluded.${name}`)])),
              ),
          )
          .execute()
      }
    }
  }

  /** Each of the conditions that all hold is a separate call. */
  #filtered<TQuery>(query: TQuery, conditions: readonly Condition[]): TQuery {
    const [first = [], ...others] = alternativesOf(conditions)
    const built = query as TQuery & Filtered
    if (others.length > 0) return built.where((eb) => this.#anyOf(eb, conditions))
    return first.reduce(
      (narrowed, condition) =>
        condition.kind === 'compared'
          ? narrowed.where(condition.column, condition.operator, this.#value(condition.value))
          : narrowed.where((eb) => this.#expressionOf(eb, condition)),
      built,
    )
  }

  #anyOf(eb: Expressions, conditions: readonly Condition[]): Expression<SqlBool> {
    return eb.or(
      alternativesOf(conditions).map((all) =>
        eb.and(all.map((condition) => this.#expressionOf(eb, condition))),
      ),
    )
  }

  #expressionOf(eb: Expressions, condition: Condition): Expression<SqlBool> {
    switch (condition.kind) {
      case 'group':
        return this.#anyOf(eb, condition.conditions)
      case 'fields':
        return eb.and(this.#inDriver(condition.fields))
      case 'null':
        return eb(condition.column, condition.negated ? 'is not' : 'is', null)
      case 'in': {
        const values = condition.values.map((value) => this.#value(value))
        return eb(condition.column, condition.negated ? 'not in' : 'in', values)
      }
      case 'between':
        return eb.between(condition.column, condition.values[0], condition.values[1])
      case 'compared':
        return eb(condition.column, condition.operator as '=', this.#value(condition.value))
    }
  }

  #inDriver(fields: Fields): Record<string, unknown> {
    return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, this.#value(value)]))
  }

  /** `better-sqlite3` accepts neither dates nor booleans. */
  #value(value: unknown): unknown {
    if (!(this.#adapter instanceof SqliteAdapter)) return value
    if (value instanceof Date) return value.toISOString().replace('Z', '+00:00')
    return typeof value === 'boolean' ? Number(value) : value
  }
}

function nameOf({ table, alias }: BuilderQuery): string {
  return alias === undefined ? table : `${table} as ${alias}`
}

function withOutput(select: Select, output: Output): Select {
  if (output.kind === 'star') return select.selectAll()
  if (output.kind === 'raw') return select.select(sql.raw(output.sql).as(output.alias)) as Select
  if (output.kind === 'column') {
    const { column, alias } = output
    return select.select(alias === undefined ? column : `${column} as ${alias}`) as Select
  }
  const { name, column, alias, isDistinct } = output
  return select.select(({ fn }) => {
    if (column === '*') return fn.countAll().as(alias)
    const aggregate = fn.agg(name, [column])
    return (isDistinct ? aggregate.distinct() : aggregate).as(alias)
  }) as Select
}
