import type { TableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { inlineValues } from '../../explain/inline-values.ts'
import type { IndexDefinition } from '../../index-definition.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../../inspectors/database-snapshot.ts'
import { quoteName } from '../../quote-name.ts'
import type { PlannedStatement, PlannerAnswer, SupposedIndex, Validation, WhatIfPlanner } from '../what-if-planner.ts'
import { withoutLimit } from './without-limit.ts'

/** Makes PostgreSQL's planner believe in indexes. */
export interface IndexSupposer {
  readonly validation: Validation
  /** @returns The names that plans have for it: one for each partition. */
  suppose(index: SupposedIndex, tables: readonly TableSnapshot[]): Promise<readonly string[]>
  forget(names: readonly string[]): Promise<void>
}

interface PlanNode {
  readonly 'Node Type'?: string
  readonly 'Index Name'?: string
  readonly 'Relation Name'?: string
  readonly Schema?: string
  readonly 'Total Cost'?: number
  readonly Plans?: readonly PlanNode[]
}

/** Asks PostgreSQL's planner. Costs are its own. */
export class PostgresqlPlanner implements WhatIfPlanner {
  readonly #supposed = new Map<string, readonly string[]>()

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
    const names = new Map([...this.#supposed].flatMap(([label, all]) => all.map((name) => [name, label] as const)))
    const used = new Set<string>()
    const scans = new Map<TableId, number>()
    let cost = 0
    for (const bindings of statement.bindings) {
      // Without an order any rows will do, and the first ones are where nobody can tell.
      const sql = inlineValues(statement.use.isOrdered ? statement.sql : withoutLimit(statement.sql, 'postgresql'), 'postgresql', bindings)
      const plan = await this.#explain(sql)
      cost += (plan['Total Cost'] ?? 0) / statement.bindings.length
      walk(plan, (node) => {
        const label = names.get(node['Index Name'] ?? '')
        if (label !== undefined) used.add(label)
        if (node['Node Type'] !== 'Seq Scan') return
        const below = (node.Plans ?? []).reduce((sum, child) => sum + (child['Total Cost'] ?? 0), 0)
        const table = `${node.Schema ?? this.snapshot.defaultSchema}.${node['Relation Name']}`
        scans.set(table, (scans.get(table) ?? 0) + ((node['Total Cost'] ?? 0) - below) / statement.bindings.length)
      })
    }
    return { cost, used, scans }
  }

  async close(): Promise<void> {
    await this.#suppose([])
  }

  async #explain(sql: string): Promise<PlanNode> {
    const [row] = await this.session.query(`EXPLAIN (FORMAT JSON, VERBOSE) ${sql}`)
    const given = row?.['QUERY PLAN']
    const plans: unknown = typeof given === 'string' ? JSON.parse(given) : given
    return (plans as readonly { readonly Plan: PlanNode }[])[0]?.Plan ?? {}
  }

  async #suppose(indexes: readonly SupposedIndex[]): Promise<void> {
    const wanted = new Set(indexes.map(({ label }) => label))
    for (const [label, names] of this.#supposed) {
      if (wanted.has(label)) continue
      this.#supposed.delete(label)
      await this.supposer.forget(names)
    }
    for (const index of indexes) {
      if (this.#supposed.has(index.label)) continue
      this.#supposed.set(index.label, await this.supposer.suppose(index, this.#leaves(index.definition.table)))
    }
  }

  /** A table, or the partitions that hold its rows. */
  #leaves(id: TableId): readonly TableSnapshot[] {
    const { tables } = this.snapshot
    const table = tables.find((candidate) => candidate.id === id)
    if (table === undefined) return []
    return table.kind === 'partitioned' ? tables.filter(({ parent }) => parent === id).flatMap((part) => this.#leaves(part.id)) : [table]
  }
}

function walk(node: PlanNode, visit: (node: PlanNode) => void): void {
  visit(node)
  for (const child of node.Plans ?? []) walk(child, visit)
}

/** `CREATE INDEX` for a table or one of its partitions. */
export function createPostgresqlIndex(index: IndexDefinition, table: TableSnapshot, name = ''): string {
  const keys = index.keys.map((key) =>
    [
      key.expression ?? quoteName(key.column, 'postgresql'),
      key.collation === undefined ? '' : ` COLLATE ${quoteName(key.collation, 'postgresql')}`,
      key.operatorClass === undefined ? '' : ` ${key.operatorClass}`,
      key.isDescending === true ? ' DESC' : '',
      key.nulls === undefined ? '' : ` NULLS ${key.nulls.toUpperCase()}`,
    ].join(''),
  )
  const on = `${quoteName(table.schema, 'postgresql')}.${quoteName(table.name, 'postgresql')}`
  const carried =
    index.include === undefined || index.include.length === 0
      ? ''
      : ` INCLUDE (${index.include.map((column) => quoteName(column, 'postgresql')).join(', ')})`
  return `CREATE ${index.isUnique ? 'UNIQUE ' : ''}INDEX ${name === '' ? '' : `${quoteName(name, 'postgresql')} `}ON ${on} USING ${index.method} (${keys.join(', ')})${carried}${
    index.where === undefined ? '' : ` WHERE ${index.where}`
  }`
}
