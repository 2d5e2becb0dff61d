import { quoteName } from '../../sql/dialect.ts'
import { type IndexDefinition, type IndexKey, indexLabel } from '../index-definition.ts'
import type { DatabaseSnapshot, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { covers } from './index-coverage.ts'
import { KeyMaker } from './key-maker.ts'
import { type Statistics, shareOf } from './statistics.ts'
import type { ColumnCondition, StatementUse, TableConditions, TableUse } from './table-use.ts'
import type { SupposedIndex } from './what-if-planner.ts'

/** An index that might help a statement. */
export interface Candidate extends SupposedIndex {
  readonly table: TableSnapshot
  /** Whether its last key was added for a range. */
  readonly endsInRange: boolean
  /** Whether keys of it are there for an order. */
  readonly isOrdered: boolean
  /** Number of its last keys that only avoid reading the table. */
  readonly carried: number
  /** Columns of the statement that it finds by one value, which can leave few rows. */
  readonly found: ReadonlySet<string>
}

/** Rows below which a table is read whole as fast as by an index. */
const MIN_ROWS = 500
const MAX_KEYS = 4
const MAX_EQUALITIES = 3
/** Number of columns that an index can contain for a statement in addition to the searched ones. */
const MAX_CARRIED = 2
/**
 * Minimum number of distinct values of a column: with fewer, an index leaves too many rows, unless the
 * statement searches rare values.
 */
const MIN_DISTINCT = 7
const RARE = 0.05
/** The share of rows above which an order is read past few others. */
const MOST_ROWS = 0.5
/** The share of NULLs of which IS NOT NULL leaves few enough rows. */
const MIN_NULLS = 0.5

/**
 * Every index that one statement could use: subsets of its equalities, each with a join's column, followed by
 * nothing, a range, the order, or the group; and the same as partial indexes. Indexes that existing ones
 * already serve are omitted.
 *
 * @param observed - Observed sets of parameter values.
 * @param calls - Number of calls: partial indexes are not proposed for rare statements.
 */
export function candidatesOf(
  use: StatementUse,
  context: CandidateContext,
  observed: readonly (readonly unknown[])[],
  calls: number,
): Candidate[] {
  const found = new Map<string, Candidate>()
  for (const table of use.uses) {
    if (!isIndexable(table.table)) continue
    const collector = new Collector(table, context, observed, found)
    for (const arm of armsOf(table)) collector.arm(arm, calls)
  }
  return [...found.values()]
}

function isIndexable({ kind, rows }: TableSnapshot): boolean {
  return (
    (kind === 'table' || kind === 'partitioned' || kind === 'materialized-view') &&
    (rows < 0 || rows >= MIN_ROWS)
  )
}

interface Arm extends TableConditions {
  readonly isWhole: boolean
}

/** The conditions on a table, and each arm of its ORs together with the conditions that apply to all arms. */
function armsOf(use: TableUse): Arm[] {
  const arms = use.alternatives.flat().map((arm) => ({
    conditions: [...arm.conditions, ...use.conditions],
    joins: [...arm.joins, ...use.joins],
    isWhole: false,
  }))
  return [{ conditions: use.conditions, joins: use.joins, isWhole: true }, ...arms]
}

interface Purpose {
  readonly where?: string | undefined
  readonly share?: number
  readonly endsInRange?: boolean
  readonly isOrdered?: boolean
}

class Collector {
  readonly #keys: KeyMaker
  readonly #narrowing: ReadonlySet<string>

  constructor(
    private readonly use: TableUse,
    private readonly context: CandidateContext,
    private readonly observed: readonly (readonly unknown[])[],
    private readonly found: Map<string, Candidate>,
  ) {
    this.#keys = new KeyMaker(context.snapshot, use.table)
    this.#narrowing = new Set(
      use.conditions.filter((one) => this.#isNarrowing(one)).map(({ column }) => column),
    )
  }

  arm({ conditions, joins, isWhole }: Arm, calls: number): void {
    const equalities = unique(conditions.flatMap((condition) => this.#keys.equality(condition) ?? []))
    const joined = unique(joins.flatMap(({ column }) => this.#keys.plain(column) ?? []))
    const rows = isWhole
      ? this.use.rowComparisons.flatMap(({ columns }) => this.#keys.plain(columns[0] ?? '') ?? [])
      : []
    const limiting = conditions.filter((condition) => this.#isLimiting(condition))
    const ranges = unique([
      ...limiting.flatMap((condition) => this.#keys.range(condition, this.observed) ?? []),
      ...rows,
    ])
    const orders = isWhole ? this.#keys.orders(this.use.order) : []
    const groups = isWhole ? this.#groups() : []
    const filters = [undefined, ...partialFilters(conditions, this.use.table, this.context, calls)]
    for (const filter of filters) {
      const where = filter === undefined ? {} : { where: filter.sql, share: filter.share }
      for (const head of this.#heads(equalities, joined)) {
        const keys = filter === undefined ? head : head.filter(({ column }) => column !== filter.column)
        this.#add(keys, where)
        for (const range of ranges) this.#add([...keys, range], { ...where, endsInRange: true })
        for (const [first, second] of pairs(ranges))
          this.#add([...keys, first, second], { ...where, endsInRange: true })
        for (const order of orders) this.#add([...keys, ...order], { ...where, isOrdered: true })
        for (const group of groups) this.#add([...keys, ...group], where)
      }
    }
  }

  /** An equality that leaves few rows, at least for some of the values that can be bound. */
  #isNarrowing(condition: ColumnCondition): boolean {
    const { operator, negated, isCast, call, values, column } = condition
    const [value] = values
    if (operator !== '=' || negated || isCast || call !== undefined || value === undefined) return false
    const statistics = this.context.statistics.column(this.use.table, column)
    if (value.kind === 'parameter') return statistics === undefined || statistics.distinct > 1
    return shareOf(condition, statistics) <= MOST_ROWS
  }

  /** ORMs add IS NOT NULL for each nullable column. */
  #isLimiting({ operator, column }: ColumnCondition): boolean {
    if (operator !== 'is not null') return true
    return (this.context.statistics.column(this.use.table, column)?.nullShare ?? 0) >= MIN_NULLS
  }

  /**
   * Every subset of the equalities in the statement's order, with and without joins before or after it; and
   * again with those first that others ask for too.
   */
  #heads(equalities: readonly IndexKey[], joined: readonly IndexKey[]): IndexKey[][] {
    const heads: IndexKey[][] = [[]]
    for (const subset of subsets(equalities.slice(0, MAX_EQUALITIES))) {
      const ordered = subset.length > 1 ? [subset, this.#byPopularity(subset)] : [subset]
      for (const head of ordered) {
        if (head.length > 0) heads.push(head)
        for (const join of joined) {
          heads.push([join, ...head])
          if (head.length > 0) heads.push([...head, join])
        }
        if (joined.length > 1 && joined.length < 4) heads.push([...head, ...joined])
      }
    }
    return heads
  }

  #byPopularity(keys: readonly IndexKey[]): IndexKey[] {
    const { popularity } = this.context
    const of = ({ column }: IndexKey) => popularity.get(`${this.use.table.id}.${column}`) ?? 0
    return [...keys].sort((a, b) => of(b) - of(a))
  }

  #groups(): IndexKey[][] {
    const keys = this.use.group.map((column) => this.#keys.plain(column))
    if (keys.length === 0 || keys.some((key) => key === undefined)) return []
    const { primaryKey } = this.use.table
    // Rows of one key are in one place already.
    if (primaryKey.length > 0 && primaryKey.every((column) => this.use.group.includes(column))) return []
    const all = keys as IndexKey[]
    return all.length === 1 ? [all] : [all, all.slice(0, 1)]
  }

  #add(
    requested: readonly IndexKey[],
    { where, share = 1, endsInRange = false, isOrdered = false }: Purpose,
  ): void {
    const keys = straightened(uniqueKeys(requested))
    if (keys.length === 0 || keys.length > MAX_KEYS) return
    const purpose = { where, share, endsInRange, isOrdered }
    this.#register(keys, purpose, 0)
    const carried = this.#carried(keys)
    if (carried.length > 0 && keys.length + carried.length <= MAX_KEYS)
      this.#register([...keys, ...carried], purpose, carried.length)
  }

  #register(
    keys: readonly IndexKey[],
    { where, share, endsInRange, isOrdered }: Required<Purpose>,
    carried: number,
  ): void {
    const { table } = this.use
    const [first] = keys
    if (first === undefined) return
    const isGrouped = this.use.group.includes(first.column)
    if (
      where === undefined &&
      keys.length - carried === 1 &&
      !isOrdered &&
      !isGrouped &&
      carried === 0 &&
      this.#isVague(first)
    )
      return
    const definition: IndexDefinition = {
      table: table.id,
      keys,
      method: 'btree',
      isUnique: false,
      ...(where === undefined ? {} : { where }),
    }
    if (
      table.indexes.some((index) => index.isValid && covers(index, definition)) ||
      isPrimaryKey(table, keys, where)
    )
      return
    const label = indexLabel(definition)
    const known = this.found.get(label)
    const orderAt = keys.findIndex(
      ({ column }) =>
        !this.#narrowing.has(column) && this.use.order.some((ordered) => ordered.column === column),
    )
    const head = keys.slice(0, orderAt < 0 ? keys.length : orderAt)
    const found = new Set(head.map(({ column }) => column).filter((column) => this.#narrowing.has(column)))
    const candidate = { definition, label, table, share, endsInRange, isOrdered, carried, found }
    // A column that is carried for one purpose can be searched or ordered by for another.
    if (known === undefined || carried < known.carried) this.found.set(label, candidate)
    else if (carried === known.carried && isOrdered && !known.isOrdered) this.found.set(label, candidate)
  }

  #isVague({ column, expression }: IndexKey): boolean {
    if (expression !== undefined) return false
    const statistics = this.context.statistics.column(this.use.table, column)
    if (statistics === undefined || statistics.distinct >= MIN_DISTINCT) return false
    const conditions = this.use.conditions.filter((condition) => condition.column === column)
    const shares = this.observed.map((bindings) =>
      conditions.reduce((share, condition) => share * shareOf(condition, statistics, bindings), 1),
    )
    return shares.length === 0 || shares.reduce((sum, share) => sum + share, 0) / shares.length > RARE
  }

  /** The columns that the statement needs in addition to the keys, if they are few. */
  #carried(keys: readonly IndexKey[]): IndexKey[] {
    const { columns } = this.use
    if (columns.has('*')) return []
    const held = new Set([
      ...keys.filter((key) => key.expression === undefined).map((key) => key.column),
      ...this.#keys.alwaysHeld,
    ])
    const missing = [...columns].filter((column) => !held.has(column))
    if (missing.length > MAX_CARRIED) return []
    const result = missing.map((column) => this.#keys.plain(column))
    return result.every((key) => key !== undefined) ? (result as IndexKey[]) : []
  }
}

function isPrimaryKey(
  { primaryKey }: TableSnapshot,
  keys: readonly IndexKey[],
  where: string | undefined,
): boolean {
  return (
    where === undefined &&
    keys.length <= primaryKey.length &&
    keys.every((key, at) => key.column === primaryKey[at] && !isSpecial(key))
  )
}

function isSpecial({ expression, operatorClass, collation, prefixLength }: IndexKey): boolean {
  return (
    expression !== undefined ||
    operatorClass !== undefined ||
    collation !== undefined ||
    prefixLength !== undefined
  )
}

/** An index is read backwards as well: one that only descends ascends. */
function straightened(keys: readonly IndexKey[]): readonly IndexKey[] {
  const directed = keys.filter((key) => key.isDescending !== undefined)
  if (directed.some((key) => key.nulls !== undefined)) return keys
  if (directed.length > 0 && directed.every((key) => key.isDescending === directed[0]?.isDescending))
    return keys.map(({ isDescending: _, ...key }) => key)
  return keys.map(({ isDescending, ...key }) => (isDescending === true ? { ...key, isDescending } : key))
}

/** Keys without those whose column comes before. */
export function uniqueKeys(keys: readonly IndexKey[]): IndexKey[] {
  const seen = new Set<string>()
  return keys.filter(({ column }) => !seen.has(column) && seen.add(column) !== undefined)
}

function unique(keys: readonly IndexKey[]): IndexKey[] {
  const seen = new Set<string>()
  return keys.filter((key) => {
    const text = `${key.column} ${key.expression} ${key.operatorClass} ${key.collation}`
    return !seen.has(text) && seen.add(text) !== undefined
  })
}

function subsets<T>(items: readonly T[]): T[][] {
  return Array.from({ length: 1 << items.length }, (_, mask) =>
    items.filter((_item, at) => ((mask >> at) & 1) === 1),
  )
}

function pairs<T>(items: readonly T[]): (readonly [T, T])[] {
  const [first, second] = items
  if (first === undefined || second === undefined || items.length !== 2) return []
  return [
    [first, second],
    [second, first],
  ]
}

/** Inputs for candidates besides the statement. */
export interface CandidateContext {
  readonly snapshot: DatabaseSnapshot
  readonly statistics: Statistics
  /**
   * How many statements of the workload look a column up by a value: `table.column`. Those asked for most
   * come first in an index.
   */
  readonly popularity: ReadonlyMap<string, number>
}

/** The condition of a partial index. */
export interface PartialFilter {
  readonly sql: string
  readonly column: string
  /** The share of the rows for which it holds. */
  readonly share: number
}

const MAX_SHARE = 0.2
/**
 * Except for NULL and booleans, a literal can be one of many values: only a rare one of few, in a frequent
 * statement, counts as fixed.
 */
const LITERAL = { maxShare: 0.05, maxDistinct: 10, minCalls: 10 }

/** The conditions of a statement that are fixed in its text and leave few rows. */
export function partialFilters(
  conditions: readonly ColumnCondition[],
  table: TableSnapshot,
  { snapshot, statistics }: Pick<CandidateContext, 'snapshot' | 'statistics'>,
  calls: number,
): PartialFilter[] {
  const { dialect } = snapshot
  if (dialect === 'mysql') return []
  return conditions.flatMap((condition) => {
    const { column, operator, negated, values, call, isCast } = condition
    if (call !== undefined || isCast) return []
    const known = statistics.column(table, column)
    if (known === undefined) return []
    const share = shareOf(condition, known)
    if (share > MAX_SHARE || share <= 0) return []
    const name = quoteName(column, dialect)
    if (operator === 'is null' || operator === 'is not null') {
      const isNull = (operator === 'is null') !== negated
      return [{ sql: `${name} IS ${isNull ? '' : 'NOT '}NULL`, column, share }]
    }
    const [value] = values
    if (operator !== '=' || negated || value?.kind !== 'literal') return []
    const isBoolean = /^(true|false)$/i.test(value.text)
    if (isBoolean && dialect === 'postgresql')
      return [{ sql: /true/i.test(value.text) ? name : `NOT ${name}`, column, share }]
    const isFixed =
      isBoolean ||
      (share <= LITERAL.maxShare && known.distinct <= LITERAL.maxDistinct && calls >= LITERAL.minCalls)
    return isFixed ? [{ sql: `${name} = ${value.text}`, column, share }] : []
  })
}
