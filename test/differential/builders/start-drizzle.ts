import { createHash } from 'node:crypto'
import {
  and,
  asc,
  avg,
  between,
  type Column,
  count,
  countDistinct,
  desc,
  eq,
  getTableColumns,
  inArray,
  isNotNull,
  isNull,
  max,
  min,
  notInArray,
  or,
  type SQL,
  sql,
  sum,
  type Table,
} from 'drizzle-orm'
import { alias as aliasOf, type PgTable } from 'drizzle-orm/pg-core'
import type { BuilderCall } from '../program.ts'
import {
  alternativesOf,
  type BuilderQuery,
  type BuilderWrite,
  type Condition,
  type Order,
  type Output,
  readChain,
} from './builder-query.ts'
import type { DrizzleSchema } from './drizzle-schema.ts'
import { rankOf } from './in-builders.ts'

/** The calls of a database of Drizzle and of its builders, regardless of the dialect. */
type DrizzleStep = PromiseLike<unknown> & {
  readonly [method in Method]: (...args: readonly unknown[]) => DrizzleStep
}
type Method =
  | ('select' | 'selectDistinct' | 'insert' | 'update' | 'delete' | 'execute' | 'from' | 'innerJoin')
  | ('leftJoin' | 'where' | 'groupBy' | 'orderBy' | 'limit' | 'offset' | 'for' | 'set' | 'values')
  | ('onConflictDoUpdate' | 'onDuplicateKeyUpdate' | 'returning' | 'prepare')

export interface DrizzleDb extends DrizzleStep {
  readonly query: Readonly<Record<string, DrizzleRelation | undefined>>
}
interface DrizzleRelation {
  findMany(options: object): PromiseLike<unknown>
  findFirst(options: object): PromiseLike<unknown>
}

type Named = SQL | Column

/** Number of relations that a relational query includes. */
const MAX_RELATIONS = 2

/** Sends the call as an app of Drizzle writes it. */
export function startDrizzle(call: BuilderCall, db: DrizzleDb, schema: DrizzleSchema): PromiseLike<unknown> {
  const { table, chain, order } = call
  if (table === undefined) return db.execute(rawOf(chain[0]?.slice(1) ?? []))
  const query = readChain(table, chain)
  const builder = new DrizzleCall(db, schema, query)
  const rank = rankOf(call)
  return query.write === undefined
    ? builder.read(rank, order === 'doubtful')
    : builder.write(query.write, rank % 2 === 0)
}

function rawOf([text, values]: readonly unknown[]): SQL {
  if (values === undefined) return sql.raw(String(text))
  const [first = '', ...others] = String(text).split('?')
  const params = values as readonly unknown[]
  return sql.join([sql.raw(first), ...others.flatMap((piece, at) => [sql`${params[at]}`, sql.raw(piece)])])
}

class DrizzleCall {
  readonly #table: Table
  readonly #joined: Readonly<Record<string, Table>>

  constructor(
    private readonly db: DrizzleDb,
    private readonly schema: DrizzleSchema,
    private readonly query: BuilderQuery,
  ) {
    const { table, alias } = query
    const own = this.#tableOf(table)
    this.#table = alias === undefined ? own : (aliasOf(own as PgTable, alias) as Table)
    this.#joined = Object.fromEntries(query.joins.map((join) => [join.table, this.#tableOf(join.table)]))
  }

  /**
   * @param rank - Selects one of the ways to write the query.
   * @param isDoubtful - Whether the database chooses which of several rows is the first, not the app.
   */
  read(rank: number, isDoubtful: boolean): PromiseLike<unknown> {
    if (rank % 3 === 0 && this.#isRelational) return this.#relational(rank % 2 === 0)
    const { takes } = this.query
    const built = this.#select(isDoubtful)
    const sent = rank % 3 === 1 ? prepared(built) : built
    if (takes === 'all') return sent
    return sent.then((rows) => {
      const found = rows as readonly Readonly<Record<string, unknown>>[]
      return takes === 'first' ? found[0] : found.map((row) => row[takes.pluck])
    })
  }

  write(write: BuilderWrite, returns: boolean): DrizzleStep {
    const { db } = this
    const table = this.#table
    const isMysql = this.schema.dialect === 'mysql'
    const done = (step: DrizzleStep) => (returns && !isMysql ? step.returning() : step)
    switch (write.kind) {
      case 'delete':
        return done(this.#filtered(db.delete(table)))
      case 'update':
        return done(this.#filtered(db.update(table).set(write.fields)))
      case 'increment': {
        const { column, by } = write
        return done(this.#filtered(db.update(table).set({ [column]: sql`${this.#column(column)} + ${by}` })))
      }
      case 'insert': {
        const inserted = db.insert(table).values(write.rows)
        if (write.conflict === undefined) return done(inserted)
        const { column, updated } = write.conflict
        const inserting = (name: string) =>
          isMysql ? sql`values(${sql.identifier(name)})` : sql`excluded.${sql.identifier(name)}`
        const set = Object.fromEntries(updated.map((name) => [name, inserting(name)] as const))
        if (isMysql) return inserted.onDuplicateKeyUpdate({ set })
        return done(inserted.onConflictDoUpdate({ target: this.#column(column), set }))
      }
    }
  }

  /** Whether a relational query can express it. */
  get #isRelational(): boolean {
    const { outputs, joins, groupBy, orderBy, isDistinct, isLocking, takes, alias, table } = this.query
    return (
      alias === undefined &&
      this.db.query[table] !== undefined &&
      joins.length + groupBy.length === 0 &&
      !(isDistinct || isLocking) &&
      (takes === 'all' || takes === 'first') &&
      outputs.every((output) => output.kind === 'column' && output.alias === undefined) &&
      orderBy.every(({ nulls }) => nulls === undefined)
    )
  }

  /** @param isNested - Whether the result includes rows of other tables, if there are relations. */
  #relational(isNested: boolean): PromiseLike<unknown> {
    const { table, outputs, orderBy, limit, offset, takes } = this.query
    const names = outputs.flatMap((output) => (output.kind === 'column' ? [[output.column, true]] : []))
    const related = (isNested ? this.schema.related.get(table) : undefined) ?? []
    const nested = related.slice(0, MAX_RELATIONS).map(({ name, orderBy: columns }) => [
      name,
      columns.length === 0
        ? true
        : {
            orderBy: (fields: Readonly<Record<string, Column>>) => columns.map((column) => fields[column]),
          },
    ])
    const options = {
      ...(nested.length === 0 ? {} : { with: Object.fromEntries(nested) as object }),
      ...(names.length === 0 ? {} : { columns: Object.fromEntries(names) as Record<string, true> }),
      where: this.#condition(this.query.where),
      orderBy: orderBy.map((order) => this.#ordered(order)),
      ...(limit === undefined ? {} : { limit }),
      ...(offset === undefined ? {} : { offset }),
    }
    const relation = this.db.query[table] as DrizzleRelation
    return takes === 'first' ? relation.findFirst(options) : relation.findMany(options)
  }

  #select(isDoubtful: boolean): DrizzleStep {
    const { db } = this
    const { outputs, groupBy, offset, takes, isDistinct, isLocking } = this.query
    const limit = takes === 'first' && isDoubtful ? 1 : this.query.limit
    const fields =
      outputs.length === 0 ? [] : [Object.fromEntries(outputs.flatMap((one) => this.#field(one)))]
    let built = (isDistinct ? db.selectDistinct(...fields) : db.select(...fields)).from(this.#table)
    for (const { kind, table, on } of this.query.joins) {
      const equal = and(...on.map(([left, right]) => eq(this.#column(left) as Column, this.#column(right))))
      built = built[kind === 'inner' ? 'innerJoin' : 'leftJoin'](this.#joined[table], equal)
    }
    built = this.#filtered(built)
    if (groupBy.length > 0) built = built.groupBy(...groupBy.map((name) => this.#column(name)))
    const orders = this.query.orderBy.map((order) => this.#ordered(order))
    if (orders.length > 0) built = built.orderBy(...orders)
    if (limit !== undefined) built = built.limit(limit)
    if (offset !== undefined) built = built.offset(offset)
    return isLocking ? built.for('share') : built
  }

  #field(output: Output): readonly (readonly [name: string, value: unknown])[] {
    switch (output.kind) {
      case 'star':
        return Object.entries(getTableColumns(this.#table))
      case 'raw':
        return [[output.alias, sql.raw(output.sql)]]
      case 'column':
        return [[output.alias ?? (output.column.split('.').at(-1) as string), this.#column(output.column)]]
      case 'aggregate':
        return [[output.alias, this.#aggregate(output).as(output.alias)]]
    }
  }

  #aggregate({ name, column, isDistinct }: Extract<Output, { kind: 'aggregate' }>): SQL {
    if (column === '*') return count()
    const of = this.#column(column)
    if (name === 'count') return isDistinct ? countDistinct(of) : count(of)
    return { max, min, sum, avg }[name](of) as SQL
  }

  #ordered({ column, descending, nulls }: Order): SQL {
    const named = this.#column(column)
    const directed = descending ? desc(named) : asc(named)
    return nulls === undefined ? directed : sql`${directed} nulls ${sql.raw(nulls)}`
  }

  #filtered(step: DrizzleStep): DrizzleStep {
    const { where } = this.query
    return where.length === 0 ? step : step.where(this.#condition(where))
  }

  #condition(conditions: readonly Condition[]): SQL | undefined {
    return or(
      ...alternativesOf(conditions).map((all) =>
        and(...all.map((condition) => this.#expressionOf(condition))),
      ),
    )
  }

  #expressionOf(condition: Condition): SQL | undefined {
    switch (condition.kind) {
      case 'group':
        return this.#condition(condition.conditions)
      case 'fields':
        return and(
          ...Object.entries(condition.fields).map(([name, value]) => eq(this.#column(name) as Column, value)),
        )
      case 'null':
        return (condition.negated ? isNotNull : isNull)(this.#column(condition.column))
      case 'in': {
        const { column, values, negated } = condition
        return (negated ? notInArray : inArray)(this.#column(column) as Column, values)
      }
      case 'between':
        return between(this.#column(condition.column) as Column, ...condition.values)
      case 'compared': {
        const { column, operator, value } = condition
        const named = this.#column(column) as Column
        if (operator === '=') return eq(named, value)
        return sql`${named} ${sql.raw(operator)} ${sql.param(value, named)}`
      }
    }
  }

  /** A column, or the alias of an output. */
  #column(written: string): Named {
    const [name = '', qualifier] = written.split('.').reverse()
    const table = (qualifier === undefined ? undefined : this.#joined[qualifier]) ?? this.#table
    return getTableColumns(table)[name] ?? sql`${sql.identifier(name)}`
  }

  #tableOf(name: string): Table {
    const table = this.schema.tables[name]
    if (table === undefined) throw new Error(`Expected a table ${name}.`)
    return table
  }
}

/** A prepared query whose name belongs to its SQL. */
function prepared(built: DrizzleStep): PromiseLike<unknown> {
  const { sql: text } = (built as unknown as { toSQL(): { readonly sql: string } }).toSQL()
  return built.prepare(createHash('sha256').update(text).digest('base64url')).execute()
}
