import type { TableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { type Dialect, quoteName } from '../../../sql/dialect.ts'
import { tokenize } from '../../../sql/tokenize.ts'
import { inlineValues } from '../../explain/literals.ts'
import { type IndexDefinition, indexBodySql } from '../../index-definition.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../../inspectors/database-snapshot.ts'
import { isBytewise } from '../own-type.ts'
import { shareOf } from '../statistics.ts'
import { firstOf, MET_AT } from '../table-costs.ts'
import type { StatementUse } from '../table-use.ts'
import type {
  PlannedStatement,
  PlannerAnswer,
  SupposedIndex,
  Validation,
  WhatIfPlanner,
} from '../what-if-planner.ts'

/** Makes PostgreSQL's planner believe in indexes. */
export interface IndexSupposer {
  readonly validation: Validation
  /** @returns The names that plans have for it: one for each partition. */
  suppose(index: SupposedIndex, tables: readonly TableSnapshot[]): Promise<readonly string[]>
  forget(names: readonly string[]): Promise<void>
  /**
   * Plans without some indexes, whether they exist or are supposed. Only for a planner that is newer than
   * the server. Default: the planner is the server's.
   */
  without?<T>(names: readonly string[], plan: () => Promise<T>): Promise<T>
}

interface PlanNode {
  readonly 'Node Type'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly 'Sort Key'?: readonly string[]
  readonly 'Relation Name'?: string
  readonly Schema?: string
  readonly 'Total Cost'?: number
  readonly Plans?: readonly PlanNode[]
}

/**
 * Slowdown of sorting strings with a collation: measured with `en_US` on PostgreSQL 15, with several thousand
 * names.
 */
const COLLATED_SORT = 2.5

/** Since this version, indexes can be searched without a condition on their first column (skip scan). */
const SKIPS_SINCE = 18

/** Uses PostgreSQL's planner, in its cost unit. */
export class PostgresqlPlanner implements WhatIfPlanner {
  readonly #supposed = new Map<string, { readonly names: readonly string[]; readonly index: SupposedIndex }>()

  /**
   * @param session - One session: what is supposed is supposed in it alone.
   */
  constructor(
    private readonly session: Connection,
    private readonly snapshot: DatabaseSnapshot,
    private readonly supposer: IndexSupposer,
  ) {}

  get validation(): Validation {
    return this.supposer.validation
  }

  async answer(statement: PlannedStatement, indexes: readonly SupposedIndex[]): Promise<PlannerAnswer> {
    await this.#suppose(indexes)
    const names = new Map(
      [...this.#supposed].flatMap(([label, { names: all }]) => all.map((name) => [name, label] as const)),
    )
    const used = new Set<string>()
    const scans = new Map<TableId, number>()
    let cost = 0
    for (const bindings of statement.bindings) {
      // Without an order, any rows match, and the position of the first ones is unknown.
      const sql = inlineValues(
        statement.use.isOrdered ? statement.sql : withoutLimit(statement.sql, 'postgresql'),
        'postgresql',
        bindings,
      )
      const plan = await this.#plan(sql)
      cost += this.#costOf(plan, statement.use, bindings) / statement.bindings.length
      walk(plan, (node) => {
        const label = names.get(node['Index Name'] ?? '')
        if (label !== undefined) used.add(label)
        if (node['Node Type'] !== 'Seq Scan') return
        const below = (node.Plans ?? []).reduce((sum, child) => sum + (child['Total Cost'] ?? 0), 0)
        const table = this.#wholeOf(`${node.Schema ?? this.snapshot.defaultSchema}.${node['Relation Name']}`)
        scans.set(
          table,
          (scans.get(table) ?? 0) + ((node['Total Cost'] ?? 0) - below) / statement.bindings.length,
        )
      })
    }
    return { cost, used, scans }
  }

  async close(): Promise<void> {
    await this.#suppose([])
  }

  /** The planner's cost, with two corrections. */
  #costOf(plan: PlanNode, use: StatementUse, bindings: readonly unknown[]): number {
    return Math.max(
      (plan['Total Cost'] ?? 0) + this.#collating(plan, use),
      this.#walking(plan, use, bindings),
    )
  }

  /**
   * The planner assumes that strings are compared as fast as numbers, but with a language's collation this is
   * slower.
   */
  #collating(plan: PlanNode, { uses }: StatementUse): number {
    const isCollated = (key: string) => {
      const [column = ''] = key.split(/ (?:COLLATE|DESC|NULLS|USING)\b/, 1)
      const name = column.slice(column.lastIndexOf('.') + 1).replaceAll('"', '')
      const columns = uses.flatMap(({ table }) =>
        table.columns.filter((column) => column.name === name && column.type === 'text'),
      )
      return columns.some((column) => !isBytewise(column, this.snapshot))
    }
    let more = 0
    walk(plan, (node) => {
      if (node['Node Type'] !== 'Sort' || node['Sort Key']?.some(isCollated) !== true) return
      const below = (node.Plans ?? []).reduce((sum, child) => sum + (child['Total Cost'] ?? 0), 0)
      more += Math.max(0, (node['Total Cost'] ?? 0) - below) * (COLLATED_SORT - 1)
    })
    return more
  }

  /**
   * The planner assumes that the rows of a filter are distributed evenly over an index that is read in its
   * order. For a filter on the column that the index is ordered by, they are all in one place, which can be
   * the last.
   */
  #walking(plan: PlanNode, use: StatementUse, bindings: readonly unknown[]): number {
    let walked = 0
    if (plan['Node Type'] !== 'Limit') return walked
    walk(plan, (node) => {
      const { 'Index Name': name, 'Index Cond': condition, Filter: filter } = node
      if (name === undefined || filter === undefined) return
      const start = startOf(filter, use, bindings)
      if (start !== undefined) walked += (node['Total Cost'] ?? 0) * start
      if (start !== undefined || condition !== undefined) return
      const [column] = this.#columnsOf(name)
      if (column !== undefined && isNamed(column, filter)) walked += (node['Total Cost'] ?? 0) * MET_AT
    })
    return walked
  }

  #columnsOf(name: string): readonly string[] {
    return this.#definitionOf(name)?.keys.map(({ column }) => column) ?? []
  }

  #definitionOf(name: string): IndexDefinition | undefined {
    for (const { names, index } of this.#supposed.values()) if (names.includes(name)) return index.definition
    return this.snapshot.tables.flatMap(({ indexes }) => indexes).find((index) => index.name === name)
  }

  /** A plan that the server could use. */
  async #plan(sql: string): Promise<PlanNode> {
    const explain = () => this.#explain(sql)
    const { supposer, snapshot } = this
    if (supposer.without === undefined || snapshot.versionParts[0] >= SKIPS_SINCE) return explain()
    const hidden = new Set<string>()
    let plan = await explain()
    for (;;) {
      const skipped = this.#skippedIn(plan).filter((name) => !hidden.has(name))
      if (skipped.length === 0) return plan
      for (const name of skipped) hidden.add(name)
      plan = await supposer.without([...hidden], explain)
    }
  }

  /** The indexes that a plan searches without a condition on their first column. */
  #skippedIn(plan: PlanNode): readonly string[] {
    const found: string[] = []
    walk(plan, ({ 'Index Name': name, 'Index Cond': condition }) => {
      if (name === undefined || condition === undefined) return
      const { method, keys: [first] = [] } = this.#definitionOf(name) ?? {}
      if (method === 'btree' && first?.column !== undefined && !isNamed(first.column, condition))
        found.push(name)
    })
    return found
  }

  async #explain(sql: string): Promise<PlanNode> {
    const [row] = await this.session.query(`EXPLAIN (FORMAT JSON, VERBOSE) ${sql}`)
    const plan = row?.['QUERY PLAN']
    const plans: unknown = typeof plan === 'string' ? JSON.parse(plan) : plan
    return (plans as readonly { readonly Plan: PlanNode }[])[0]?.Plan ?? {}
  }

  async #suppose(indexes: readonly SupposedIndex[]): Promise<void> {
    const expected = new Set(indexes.map(({ label }) => label))
    for (const [label, { names }] of this.#supposed) {
      if (expected.has(label)) continue
      this.#supposed.delete(label)
      await this.supposer.forget(names)
    }
    for (const index of indexes) {
      if (this.#supposed.has(index.label)) continue
      this.#supposed.set(index.label, {
        names: await this.supposer.suppose(index, this.#leaves(index.definition.table)),
        index,
      })
    }
  }

  /** A table, or the partitions that hold its rows. */
  #leaves(id: TableId): readonly TableSnapshot[] {
    const { tables } = this.snapshot
    const table = tables.find((candidate) => candidate.id === id)
    if (table === undefined) return []
    const partitions = tables.filter(({ parent }) => parent === id)
    if (partitions.length > 0) return partitions.flatMap((part) => this.#leaves(part.id))
    return table.kind === 'partitioned' ? [] : [table]
  }

  /** The table of a partition: plans read partitions, and indexes are recommended for the whole table. */
  #wholeOf(id: TableId): TableId {
    const parent = this.snapshot.tables.find((table) => table.id === id)?.parent
    return parent === undefined ? id : this.#wholeOf(parent)
  }
}

/**
 * The share of the rows in an order before the first row of a page by `a < ? OR (a = ? AND b < ?)`, if a
 * filter contains it.
 */
function startOf(filter: string, { uses }: StatementUse, bindings: readonly unknown[]): number | undefined {
  for (const { table, rowComparisons } of uses) {
    const keyset = rowComparisons.find(
      ({ columns: [column], isAlternatives }) => isAlternatives && isNamed(column ?? '', filter),
    )
    if (keyset === undefined) continue
    const { statistics } = table.columns.find(({ name }) => name === keyset.columns[0]) ?? {}
    return 1 - shareOf(firstOf(keyset), statistics, bindings)
  }
  return undefined
}

function isNamed(column: string, filter: string): boolean {
  return new RegExp(`\\b${column.replace(/\W/g, '\\$&')}\\b`).test(filter)
}

function walk(node: PlanNode, visit: (node: PlanNode) => void): void {
  visit(node)
  for (const child of node.Plans ?? []) walk(child, visit)
}

/** `CREATE INDEX` for a table or one of its partitions. */
export function createPostgresqlIndex(index: IndexDefinition, table: TableSnapshot, name = ''): string {
  const quote = (part: string) => quoteName(part, 'postgresql')
  const called = name === '' ? '' : `${quote(name)} `
  return `CREATE ${index.isUnique ? 'UNIQUE ' : ''}INDEX ${called}ON ${quote(table.schema)}.${quote(table.name)} ${indexBodySql(index, 'postgresql')}`
}

/**
 * Hypothetical indexes of the extension HypoPG: they are there for one session alone, and cost nothing.
 *
 * Source: https://github.com/HypoPG/hypopg
 */
export class HypopgSupposer implements IndexSupposer {
  readonly validation: Validation = 'hypopg'
  readonly #ids = new Map<string, string>()

  constructor(private readonly session: Connection) {}

  async suppose({ definition }: SupposedIndex, tables: readonly TableSnapshot[]): Promise<readonly string[]> {
    const names: string[] = []
    for (const table of tables) {
      const [row] = await this.session.query(
        'SELECT indexrelid::text AS id, indexname::text AS name FROM hypopg_create_index($1)',
        [createPostgresqlIndex(definition, table)],
      )
      const name = String(row?.name)
      this.#ids.set(name, String(row?.id))
      names.push(name)
    }
    return names
  }

  async forget(names: readonly string[]): Promise<void> {
    for (const name of names) {
      await this.session.query('SELECT hypopg_drop_index($1::oid)', [this.#ids.get(name)])
      this.#ids.delete(name)
    }
  }
}

/**
 * Removes LIMIT and OFFSET from the end of a statement, for the cost of finding all rows. Without them, the
 * statement is returned unchanged.
 *
 * @throws SqlSyntaxError if the SQL cannot be tokenized.
 */
function withoutLimit(sql: string, dialect: Dialect): string {
  let depth = 0
  let cut: number | undefined
  for (const { kind, text, upper, start } of tokenize(sql, dialect)) {
    if (kind === 'symbol' && text === '(') depth += 1
    else if (kind === 'symbol' && text === ')') depth -= 1
    else if (depth > 0) continue
    else if (cut === undefined && (upper === 'LIMIT' || upper === 'OFFSET' || upper === 'FETCH')) cut = start
    else if (upper === 'FOR' || upper === 'UNION' || upper === 'EXCEPT' || upper === 'INTERSECT')
      return cut === undefined ? sql : `${sql.slice(0, cut)} ${sql.slice(start)}`
  }
  return cut === undefined ? sql : sql.slice(0, cut).trimEnd()
}
