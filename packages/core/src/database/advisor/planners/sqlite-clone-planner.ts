import type { TableId } from '../../../schema/catalog-data.ts'
import type { Connection } from '../../../schema/connection.ts'
import { inlineValues } from '../../explain/literals.ts'
import type { IndexDefinition, IndexKey } from '../../index-definition.ts'
import type { TableSnapshot } from '../../inspectors/database-snapshot.ts'
import type { CandidateContext } from '../candidates.ts'
import { limitOf } from '../statistics.ts'
import { MET_AT, ROW, TableCosts, UNITS_A_ROW } from '../table-costs.ts'
import type { TableUse } from '../table-use.ts'
import type {
  PlannedStatement,
  PlannerAnswer,
  SupposedIndex,
  Validation,
  WhatIfPlanner,
} from '../what-if-planner.ts'
import {
  createSqliteIndex,
  type SqliteAccess,
  type SqlitePlanNode,
  sqlitePlanTree,
} from './sqlite-plan-tree.ts'

/** The share of rows in an existing partial index is unknown. */
const PARTIAL_SHARE = 0.1
const PREFIX = 'sluice_supposed_'

/** State of the cost estimate of a plan. */
interface Walk {
  readonly uses: TableUse[]
  readonly bound: Set<number>
  readonly bindings: readonly unknown[]
  /** Rows that are asked for at most. */
  readonly limit: number | undefined
  readonly used: Set<string>
  readonly scans: Map<TableId, number>
  /** The rows of queries in FROM, by the names that the plan reads them by. */
  readonly derived: Map<string, number>
  /**
   * Whether an index is read in its order past rows that a condition on its own column excludes: the
   * remaining ones can all be at the end.
   */
  walksPast: boolean
}

interface Estimate {
  readonly cost: number
  readonly rows: number
  /** Whether rows come as they are found, so that a limit saves the rest. */
  readonly streams: boolean
}

/**
 * Uses SQLite's planner on an empty clone of the schema with the tables' statistics, as if ANALYZE had run.
 * Its plans have no costs, so these are estimated from the steps of the plan.
 */
export class SqliteClonePlanner implements WhatIfPlanner {
  readonly validation: Validation = 'clone'
  readonly #costs: TableCosts
  readonly #supposed = new Map<string, { readonly name: string; readonly index: IndexDefinition }>()
  #created = 0

  private constructor(
    private readonly scratch: Connection,
    private readonly context: CandidateContext,
  ) {
    this.#costs = new TableCosts(context)
  }

  /**
   * @param source - The database.
   * @param scratch - An empty database in memory. It is the planner's from now on, but not closed by it.
   */
  static async create(
    source: Connection,
    scratch: Connection,
    context: CandidateContext,
  ): Promise<SqliteClonePlanner> {
    await cloneSchema(source, scratch)
    const planner = new SqliteClonePlanner(scratch, context)
    await planner.#describeTables()
    return planner
  }

  async answer(statement: PlannedStatement, indexes: readonly SupposedIndex[]): Promise<PlannerAnswer> {
    await this.#suppose(indexes)
    const used = new Set<string>()
    const scans = new Map<TableId, number>()
    let cost = 0
    for (const bindings of statement.bindings) {
      const sql = `EXPLAIN QUERY PLAN ${inlineValues(statement.sql, 'sqlite', bindings)}`
      const tree = sqlitePlanTree(await this.scratch.query(sql))
      const own = new Map<TableId, number>()
      const limit = limitOf(statement.use, bindings)
      const walk: Walk = {
        uses: [...statement.use.uses],
        bound: new Set(),
        derived: new Map(),
        bindings,
        limit,
        used,
        scans: own,
        walksPast: false,
      }
      const { cost: whole, rows, streams } = this.#walk(tree, walk)
      const least = walk.walksPast ? MET_AT : this.#costs.pageStart(statement.use.uses, bindings)
      const left = limit !== undefined && streams && rows > limit ? Math.max(limit / rows, least) : 1
      cost += (Math.max(2, whole * left) * UNITS_A_ROW) / statement.bindings.length
      for (const [table, rowsRead] of own)
        scans.set(table, (scans.get(table) ?? 0) + (rowsRead * UNITS_A_ROW) / statement.bindings.length)
    }
    return { cost, used, scans }
  }

  async close(): Promise<void> {}

  #walk(nodes: readonly SqlitePlanNode[], walk: Walk): Estimate {
    let rows = 1
    let cost = 0
    let streams = true
    for (const { text, access, children } of nodes) {
      if (access !== undefined) {
        const read = this.#read(access, rows, walk)
        cost += read.cost
        rows *= access.isOuter ? Math.max(1, read.rows) : read.rows
      } else if (text.startsWith('MULTI-INDEX OR')) {
        const read = this.#either(children, rows, walk)
        cost += read.cost
        rows *= read.rows
      } else if (/^USE TEMP B-TREE FOR (LAST .* OF )?(RIGHT PART OF )?ORDER BY/.test(text)) {
        cost += this.#costs.sortCost(rows, walk.limit)
        streams = false
      } else if (text.startsWith('USE TEMP B-TREE FOR')) {
        cost += this.#costs.sortCost(rows, undefined)
        streams = false
      } else {
        const inner = this.#walk(children, walk)
        cost += inner.cost * (text.startsWith('CORRELATED') ? rows : 1)
        const derived = /^(?:CO-ROUTINE|MATERIALIZE) (.+)$/.exec(text)?.[1]
        if (derived !== undefined) walk.derived.set(derived, Math.max(1, inner.rows))
        if (/^(COMPOUND|MERGE|LEFT-MOST|UNION)/.test(text)) streams &&= inner.streams
      }
    }
    return { cost, rows, streams }
  }

  /** One access, made `times` times. */
  #read(access: SqliteAccess, times: number, walk: Walk): { readonly cost: number; readonly rows: number } {
    const derived = walk.derived.get(access.name)
    if (derived !== undefined) return readDerived(access, derived, times)
    const use = takeUse(access.name, walk)
    if (use === undefined) return { cost: times * 10, rows: 1 }
    const isBound = (place: number) => walk.bound.has(place)
    const all = this.#costs.rows(use)
    const rows = all * this.#costs.share(use, walk.bindings, isBound)
    const index = this.#indexNamed(access.index, use, walk)
    walk.bound.add(use.place)
    if (access.isAutomatic)
      return { cost: all * Math.log2(all + 2) + times * (Math.log2(all + 2) + rows), rows }
    if (access.kind === 'scan') {
      walk.walksPast ||=
        index !== undefined && use.conditions.some(({ column }) => column === index.keys[0]?.column)
      const held = index === undefined ? all : all * (this.#costs.heldShare(use, use, index) ?? 1)
      const cost =
        times * held * (access.index === undefined || access.isCovering ? ROW.covered : ROW.byIndex)
      walk.scans.set(use.table.id, (walk.scans.get(use.table.id) ?? 0) + cost)
      return { cost, rows }
    }
    if (access.isKey)
      return { cost: times * (Math.log2(all + 2) + Math.max(1, access.hasRange ? rows : 1)), rows }
    const search =
      index === undefined
        ? undefined
        : this.#costs.search(use, use, prefixOf(index, access), walk.bindings, isBound)
    // For min and max, SQLite stops at the first row, which its plan does not show.
    const isFirst = use.isExtreme && index?.keys[access.equalities.length]?.column === use.order[0]?.column
    const isUnsearched = isFirst && access.equalities.length === 0
    const searched = search ?? { seeks: 1, rows: isUnsearched ? all : Math.max(1, rows) }
    const found = isFirst ? { seeks: 1, rows: Math.max(1, searched.rows / Math.max(1, rows)) } : searched
    return {
      cost: times * this.#costs.searchCost(use, found, access.isCovering),
      rows: Math.min(rows, Math.max(found.rows, 0.5)),
    }
  }

  /** The arms of an OR, each with a separate index. */
  #either(
    arms: readonly SqlitePlanNode[],
    times: number,
    walk: Walk,
  ): { readonly cost: number; readonly rows: number } {
    const accesses = arms.flatMap(({ children, access }) => [
      ...(access === undefined ? [] : [access]),
      ...children.flatMap((child) => child.access ?? []),
    ])
    const [first] = accesses
    const use = first === undefined ? undefined : takeUse(first.name, walk)
    if (use === undefined) return { cost: times * 10, rows: 1 }
    const isBound = (place: number) => walk.bound.has(place)
    const rows = this.#costs.rows(use) * this.#costs.share(use, walk.bindings, isBound)
    walk.bound.add(use.place)
    const conditions = use.alternatives.flat()
    const cost = accesses.reduce((sum, access) => {
      const index = this.#indexNamed(access.index, use, walk)
      const arm =
        index === undefined
          ? undefined
          : conditions.find(({ conditions: own }) =>
              own.some(({ column }) => column === index.keys[0]?.column),
            )
      const search =
        index === undefined || arm === undefined
          ? undefined
          : this.#costs.search(use, arm, prefixOf(index, access), walk.bindings, isBound)
      return (
        sum + this.#costs.searchCost(use, search ?? { seeks: 1, rows: Math.max(1, rows) }, access.isCovering)
      )
    }, 0)
    return { cost: times * cost, rows }
  }

  #indexNamed(name: string | undefined, use: TableUse, walk: Walk): IndexDefinition | undefined {
    if (name === undefined) return undefined
    for (const [label, supposed] of this.#supposed) {
      if (supposed.name !== name) continue
      walk.used.add(label)
      return supposed.index
    }
    return use.table.indexes.find((index) => index.name === name)
  }

  /** Makes exactly these indexes be there. */
  async #suppose(indexes: readonly SupposedIndex[]): Promise<void> {
    const requested = new Map(indexes.map((index) => [index.label, index]))
    let isChanged = false
    for (const [label, { name }] of this.#supposed) {
      if (requested.has(label)) continue
      await this.scratch.query(`DROP INDEX ${name}`)
      this.#supposed.delete(label)
      isChanged = true
    }
    for (const [label, { definition: index, share }] of requested) {
      if (this.#supposed.has(label)) continue
      const table = this.context.snapshot.tables.find(({ id }) => id === index.table)
      if (table === undefined) continue
      this.#created += 1
      const name = `${PREFIX}${this.#created}`
      await this.scratch.query(createSqliteIndex(name, table, index))
      await this.#describeIndex(table, name, index.keys, Math.max(1, Math.round(table.rows * share)))
      this.#supposed.set(label, { name, index })
      isChanged = true
    }
    if (isChanged) await this.scratch.query('ANALYZE sqlite_schema')
  }

  async #describeTables(): Promise<void> {
    await this.scratch.query('CREATE TABLE sluice_analyzed (x)')
    await this.scratch.query('ANALYZE')
    await this.scratch.query('DELETE FROM sqlite_stat1')
    for (const table of this.context.snapshot.tables) {
      if (table.kind !== 'table') continue
      const indexes = table.indexes.filter(({ keys }) => keys.length > 0)
      if (indexes.length === 0)
        await this.scratch.query('INSERT INTO sqlite_stat1 VALUES (?, NULL, ?)', [
          table.name,
          String(Math.max(1, table.rows)),
        ])
      for (const index of indexes)
        await this.#describeIndex(
          table,
          index.name,
          index.keys,
          Math.max(1, table.rows * (index.where === undefined ? 1 : PARTIAL_SHARE)),
        )
    }
    await this.scratch.query('ANALYZE sqlite_schema')
  }

  /**
   * As ANALYZE would: how many rows there are, and how many have the same first key, the same first two, …
   */
  async #describeIndex(
    table: TableSnapshot,
    name: string,
    keys: readonly IndexKey[],
    rows: number,
  ): Promise<void> {
    const numbers = keys.map((_, at) => {
      const columns = keys.slice(0, at + 1).map(({ column }) => column)
      return Math.max(1, Math.round(rows / Math.min(rows, this.context.statistics.distinct(table, columns))))
    })
    await this.scratch.query('INSERT INTO sqlite_stat1 VALUES (?, ?, ?)', [
      table.name,
      name,
      [rows, ...numbers].join(' '),
    ])
  }
}

/**
 * A query in FROM is read completely, or looked up in an automatic index: usually for groups, by their key.
 */
function readDerived(
  { kind }: SqliteAccess,
  all: number,
  times: number,
): { readonly cost: number; readonly rows: number } {
  if (kind === 'scan') return { cost: times * all, rows: all }
  const depth = Math.log2(all + 2)
  return { cost: all * depth + times * depth, rows: 1 }
}

function takeUse(name: string, { uses, bound }: Walk): TableUse | undefined {
  const is = (use: TableUse) =>
    use.alias.toLowerCase() === name.toLowerCase() || use.table.name.toLowerCase() === name.toLowerCase()
  return uses.find((use) => !bound.has(use.place) && is(use)) ?? uses.find(is)
}

/** An index as far as a plan searches it. */
function prefixOf(index: IndexDefinition, { equalities, hasRange }: SqliteAccess): IndexDefinition {
  return { ...index, keys: index.keys.slice(0, Math.max(1, equalities.length + (hasRange ? 1 : 0))) }
}

/**
 * Creates tables first, then objects that depend on them. Objects that cannot be created (a missing module)
 * are omitted.
 */
export async function cloneSchema(source: Connection, scratch: Connection): Promise<void> {
  // References to missing rows do not matter here.
  await scratch.query('PRAGMA foreign_keys = OFF')
  const rows = await source.query(
    "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND type IN ('table', 'index', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  )
  for (const type of ['table', 'index', 'view']) {
    for (const row of rows) {
      if (row.type !== type) continue
      try {
        await scratch.query(String(row.sql))
      } catch {
        // A shadow table of a virtual one is there already.
      }
    }
  }
}
