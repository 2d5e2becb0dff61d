import type { SchemaCatalog } from '../schema/catalog.ts'
import type { Dialect } from '../sql/dialect.ts'
import type { QueryBlock, QueryTree, ValueTerm } from '../sql/tree/query-tree.ts'
import { tryReadQueryTree } from '../sql/tree/read-sql.ts'
import type { CellCheck } from './cell-values.ts'
import { type ResultColumns, resultColumns } from './result-columns.ts'
import type { RowForm } from './select/outputs.ts'

/** A list of rows in one of their forms; the first row; or the values of one column. */
export type ResultForm = RowForm | 'first' | 'pluck'

/** A statement, and how its client returns its result. */
export interface ResultOf {
  readonly sql: string
  readonly params: readonly unknown[]
  readonly dialect: Dialect
  readonly form: ResultForm
  /** Whether the parsers of values are those of the driver. */
  readonly isTyped: boolean
}

/**
 * Whether a value can be the result of a statement: its rows have the statement's columns, and values of
 * their types, as far as the statement and the catalog show them.
 */
export function isResultOf(result: ResultOf, catalog: SchemaCatalog | undefined, value: unknown): boolean {
  const { form, params } = result
  const shape = shapeOf(result, catalog)
  const { min, max } = shape.rowsOf(params)
  if (form === 'first') return value === undefined ? min === 0 : isRows([value], shape, 'objects')
  if (!Array.isArray(value) || value.length < min || value.length > max) return false
  if (form !== 'pluck') return isRows(value, shape, form)
  const check = shape.columns.length === 1 && !shape.isOpen ? shape.columns[0]?.check : undefined
  return value.every(check ?? isDefined)
}

interface RowCounts {
  readonly min: number
  readonly max: number
}

interface ResultShape extends ResultColumns {
  /** How many rows it can have. */
  rowsOf(params: readonly unknown[]): RowCounts
}

const MAX_SHAPES = 2_000
const NO_CATALOG = {}
const shapes = new WeakMap<object, Map<string, ResultShape>>()

function shapeOf({ sql, dialect, isTyped }: ResultOf, catalog: SchemaCatalog | undefined): ResultShape {
  const owner = catalog ?? NO_CATALOG
  const known = shapes.get(owner) ?? new Map<string, ResultShape>()
  shapes.set(owner, known)
  const key = `${dialect} ${isTyped} ${sql}`
  const found = known.get(key)
  if (found !== undefined) return found
  if (known.size >= MAX_SHAPES) known.clear()
  const tree = tryReadQueryTree(sql, dialect)
  const shape = tree === undefined ? UNKNOWN : newShape(tree, catalog, isTyped)
  known.set(key, shape)
  return shape
}

const ANY_COUNT: RowCounts = { min: 0, max: Number.POSITIVE_INFINITY }
const UNKNOWN: ResultShape = {
  columns: [],
  isOpen: true,
  isOrdered: false,
  rowsOf: () => ANY_COUNT,
}

function newShape(tree: QueryTree, catalog: SchemaCatalog | undefined, isTyped: boolean): ResultShape {
  const { root, tokens } = tree
  const columns = resultColumns(tree, catalog, isTyped)
  // A limit WITH TIES is not the number of rows.
  if (root.kind !== 'select' || tokens.some(({ upper }) => upper === 'TIES'))
    return { ...columns, rowsOf: () => ANY_COUNT }
  const isTotal = isOneRow(root)
  return { ...columns, rowsOf: (params) => rowCounts(root, isTotal, params) }
}

/** Whether it aggregates all rows into one. */
function isOneRow({ outputs, clauses, hasWindows }: QueryBlock): boolean {
  const isAggregated = outputs.some(({ aggregate }) => aggregate !== undefined)
  return isAggregated && clauses.groupBy === undefined && clauses.having === undefined && hasWindows !== true
}

function rowCounts(
  { limit, offset, clauses }: QueryBlock,
  isTotal: boolean,
  params: readonly unknown[],
): RowCounts {
  const most = limit === undefined ? undefined : limitOf(limit, params)
  const isWhole = clauses.limit === undefined || (offset === undefined && most !== undefined && most > 0)
  const max = most ?? Number.POSITIVE_INFINITY
  return { min: isTotal && isWhole ? 1 : 0, max: isTotal ? Math.min(1, max) : max }
}

/** `undefined` if it is not known. */
function limitOf(limit: ValueTerm, params: readonly unknown[]): number | undefined {
  const parameters =
    limit.kind === 'literal' ? limit.text : limit.kind === 'parameter' ? params[limit.place] : undefined
  return /^\d+$/.test(String(parameters)) ? Number(parameters) : undefined
}

function isRows(rows: readonly unknown[], shape: ResultShape, form: RowForm): boolean {
  if (rows.length === 0) return true
  return form === 'arrays' ? areArrays(rows, shape) : areObjects(rows, shape)
}

function areArrays(rows: readonly unknown[], { columns, isOpen, isOrdered }: ResultShape): boolean {
  const [first] = rows
  if (!Array.isArray(first) || (!isOpen && first.length !== columns.length)) return false
  const checks = first.map((_, at) => (isOrdered ? columns[at]?.check : undefined) ?? isDefined)
  return rows.every(
    (row) => Array.isArray(row) && row.length === first.length && row.every((cell, at) => checks[at]?.(cell)),
  )
}

/** Rows of one result have the same fields in the same order. */
function areObjects(rows: readonly unknown[], shape: ResultShape): boolean {
  const [first] = rows
  if (!isRow(first)) return false
  const names = Object.keys(first)
  const checks = checksOf(names, shape)
  return checks !== undefined && rows.every((row) => isRow(row) && hasFields(row, names, checks))
}

function isRow(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function hasFields(
  row: Readonly<Record<string, unknown>>,
  names: readonly string[],
  checks: readonly CellCheck[],
): boolean {
  let at = 0
  for (const name in row) {
    if (name !== names[at] || checks[at]?.(row[name]) !== true) return false
    at += 1
  }
  return at === names.length
}

/** `undefined` if a row with these fields is not one of the result. */
function checksOf(names: readonly string[], { columns, isOpen }: ResultShape): CellCheck[] | undefined {
  const byName = new Map<string, CellCheck[]>()
  let unnamed = 0
  let found = 0
  for (const { name, check } of columns) {
    if (name === undefined) unnamed += 1
    else byName.set(name, [...(byName.get(name) ?? []), check])
  }
  const required = new Set(byName.keys())
  const checks = names.map((name) => {
    const own = byName.get(name.toLowerCase())
    required.delete(name.toLowerCase())
    if (own === undefined) found += 1
    // The last of several columns with a name overwrites the others, and only the driver knows the last one.
    return own?.length === 1 && own[0] !== undefined ? own[0] : isDefined
  })
  const isKnown = found <= unnamed && (unnamed === 0 || found > 0)
  return required.size === 0 && (isOpen || isKnown) ? checks : undefined
}

function isDefined(value: unknown): boolean {
  return value !== undefined
}
