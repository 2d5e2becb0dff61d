import type { CatalogTable, SchemaCatalog } from '../schema/catalog.ts'
import type { FromItem, OutputTerm, QueryTree } from '../sql/tree/query-tree.ts'
import { aggregateCheck, type CellCheck, cellCheck } from './cell-values.ts'

/** A column of a result. */
interface ResultColumn {
  /** Lowercase; `undefined` if only the database knows it. */
  readonly name: string | undefined
  readonly check: CellCheck
}

/** The columns of a result, as far as the statement and the catalog show them. */
export interface ResultColumns {
  readonly columns: readonly ResultColumn[]
  /** Whether there may be others, because of a `*` over unknown tables. */
  readonly isOpen: boolean
  /** Whether the columns are in the order of the result. */
  readonly isOrdered: boolean
}

/** @param isTyped - Whether values are parsed as usual: otherwise, any value is accepted. */
export function resultColumns(
  tree: QueryTree,
  catalog: SchemaCatalog | undefined,
  isTyped: boolean,
): ResultColumns {
  const { root, dialect } = tree
  const block = root.kind === 'set-operation' ? root.arms[0] : root
  if (block?.kind !== 'select') return { columns: [], isOpen: true, isOrdered: false }
  const isPlain = root.kind === 'select'
  const isTypeKnown = isTyped && isPlain
  const tables = block.from.map((item) => tableOf(item, catalog))
  // Rows without a match, and totals of groups, have NULL in any column.
  const mayBeNull = block.from.some(({ join }) => OUTER.has(join)) || block.groupBy.length > 0
  const columns: ResultColumn[] = []
  let isOpen = false
  let isOrdered = true
  for (const output of block.outputs) {
    if (output.star === undefined) {
      const info = isPlain ? columnOf(output, block.from, tables) : undefined
      const ofAggregate = output.aggregate === undefined ? undefined : aggregateCheck(output.aggregate)
      const check = ofAggregate ?? cellCheck(info, dialect, mayBeNull)
      columns.push({ name: nameOf(output), check: isTypeKnown ? check : anything })
      continue
    }
    isOrdered = false
    const { of } = output.star
    for (const [at, item] of block.from.entries()) {
      if (of !== undefined && item.alias.toLowerCase() !== of.toLowerCase()) continue
      const table = tables[at]
      if (table === undefined) isOpen = true
      for (const info of table?.columns ?? []) {
        const check = isTypeKnown ? cellCheck(info, dialect, mayBeNull) : anything
        columns.push({ name: info.name.toLowerCase(), check })
      }
    }
  }
  return { columns, isOpen, isOrdered }
}

const OUTER: ReadonlySet<string> = new Set(['left', 'right', 'full'])
const anything: CellCheck = (value) => value !== undefined

function tableOf(item: FromItem, catalog: SchemaCatalog | undefined): CatalogTable | undefined {
  const isPlain = item.table !== undefined && item.subquery === undefined && item.columnNames === undefined
  return isPlain && item.isFunction !== true && item.table !== undefined
    ? catalog?.baseTable(catalog.idOf(item.table))
    : undefined
}

/** PostgreSQL shortens names with more bytes. */
const MAX_NAME = 63

function nameOf({ name, column }: OutputTerm): string | undefined {
  const known = name ?? column?.column
  return known === undefined || Buffer.byteLength(known) > MAX_NAME ? undefined : known.toLowerCase()
}

/** `undefined` unless exactly one table can have the column. */
function columnOf(
  { column }: OutputTerm,
  from: readonly FromItem[],
  tables: readonly (CatalogTable | undefined)[],
) {
  if (column === undefined) return undefined
  const name = column.column.toLowerCase()
  const candidates = from.flatMap(({ alias }, at) =>
    column.table === undefined || alias.toLowerCase() === column.table.toLowerCase() ? [tables[at]] : [],
  )
  const found = candidates.flatMap((table) => table?.columns.filter((own) => own.name.toLowerCase() === name))
  return candidates.includes(undefined) || found.length !== 1 ? undefined : found[0]
}
