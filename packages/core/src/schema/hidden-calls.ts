import type { ReasonCode } from '../shared/reasons.ts'
import type { Statement } from '../sql/statement.ts'
import type { SchemaCatalog } from './catalog.ts'
import type { ColumnType } from './catalog-data.ts'
import { type DatabaseFunctions, type FunctionLevel, higherLevel } from './database-functions.ts'

/** Columns that every PostgreSQL table has, and that maintenance changes. */
const SYSTEM_COLUMNS = ['ctid', 'xmin', 'xmax', 'cmin', 'cmax', 'tableoid']

/** Reason why a result depends on more than its tables and arguments, or `undefined` if it does not. */
export function hiddenDependency(
  statement: Statement,
  catalog: SchemaCatalog | undefined,
): { readonly refused: ReasonCode } | undefined {
  return screened(statement, catalog).read
}

/**
 * The maximum effect of a statement beyond what its grammar shows, through the functions, operators, types,
 * views and tables that it names.
 */
export function hiddenLevel(statement: Statement, catalog: SchemaCatalog | undefined): FunctionLevel {
  return screened(statement, catalog).level
}

/** The maximum effect of a call, by its name as in `Statement.functions`. */
export function levelOfCall(name: string, catalog: SchemaCatalog | undefined): FunctionLevel {
  const { functions, dialect } = catalog ?? {}
  const unqualified = name.slice(name.lastIndexOf('.') + 1)
  // A function of MariaDB cannot change the schema, and a function of SQLite cannot while its statement runs.
  if (functions === undefined) return dialect === 'mysql' || dialect === 'sqlite' ? 'writes' : 'defines'
  const level = functions.untrusted.get(unqualified)
  if (level !== undefined) return level
  return functions.pure.has(unqualified) || functions.readOnly.has(unqualified) ? 'reads' : 'defines'
}

interface Screened {
  readonly read: { readonly refused: ReasonCode } | undefined
  readonly level: FunctionLevel
}

const NOTHING: Screened = { read: undefined, level: 'reads' }
const found = new WeakMap<SchemaCatalog, WeakMap<Statement, Screened>>()

function screened(statement: Statement, catalog: SchemaCatalog | undefined): Screened {
  const functions = catalog?.functions
  if (catalog === undefined || (functions === undefined && catalog.areReadsSafe)) return NOTHING
  let ofCatalog = found.get(catalog)
  if (ofCatalog === undefined) {
    ofCatalog = new WeakMap()
    found.set(catalog, ofCatalog)
  }
  let known = ofCatalog.get(statement)
  if (known === undefined) {
    const { read, level } = functions === undefined ? NOTHING : screen(statement, catalog, functions)
    known = {
      read,
      level: higherLevel(level, catalog.whenRead(statement.reads.map((name) => catalog.idOf(name)))),
    }
    ofCatalog.set(statement, known)
  }
  return known
}

const NUMBERS: ReadonlySet<ColumnType> = new Set(['integer', 'decimal', 'float'] as const)

/** Whether each `%` has a number as an operand to which no untrusted operator of the name applies. */
function isBuiltInModulo(
  { names: { modulo }, reads, writes }: Statement,
  catalog: SchemaCatalog,
  { operatorsOfNumbers }: DatabaseFunctions,
): boolean {
  if (modulo === undefined || operatorsOfNumbers.has('%')) return false
  if (modulo.length === 0) return true
  const tables = [...reads, ...writes.map(({ name }) => name)].map((name) =>
    catalog.baseTable(catalog.idOf(name)),
  )
  const columns = tables.flatMap((table) => table?.columns ?? [])
  return (
    !tables.includes(undefined) &&
    modulo.every((name) => {
      const found = columns.filter((column) => column.name === name)
      return found.length > 0 && found.every(({ type }) => NUMBERS.has(type))
    })
  )
}

function screen(statement: Statement, catalog: SchemaCatalog, functions: DatabaseFunctions): Screened {
  const { names } = statement
  const { untrusted, ofRows, operators, types } = functions
  let read: Screened['read']
  let level: FunctionLevel = 'reads'
  for (const name of names.calls) {
    const known = untrusted.get(name)
    if (known === undefined) continue
    read ??= { refused: 'USER_DEFINED_FUNCTION' }
    level = higherLevel(level, known)
  }
  const rows = [...names.fields].filter((name) => ofRows.has(name))
  for (const name of rows) level = higherLevel(level, untrusted.get(name))
  if (rows.length > 0) read ??= { refused: 'COMPUTED_FIELD' }
  for (const name of operators.size === 0 ? [] : names.operators) {
    const known = operators.get(name)
    if (known === undefined || (name === '%' && isBuiltInModulo(statement, catalog, functions))) continue
    read ??= { refused: 'USER_DEFINED_OPERATOR' }
    level = higherLevel(level, known)
  }
  for (const name of types.size === 0 ? [] : names.words) {
    const known = types.get(name)
    if (known === undefined) continue
    read ??= { refused: 'USER_DEFINED_TYPE' }
    level = higherLevel(level, known)
  }
  if (SYSTEM_COLUMNS.some((name) => names.words.has(name))) read ??= { refused: 'SYSTEM_COLUMN' }
  return { read, level }
}
