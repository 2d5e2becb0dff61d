import {
  type DatabaseFacts,
  type IndexDefinition,
  type IndexKey,
  indexKeySql,
  plainSql,
  quoteName,
} from '@sluice/core/database'
import { bare, child, children, memberOf, nameOf, type Syntax } from '../../source/source-module.ts'
import {
  columnOf,
  type DrizzleTable,
  keyOf,
  type TableEntry,
  type TableExtras,
  textOf,
} from './drizzle-table.ts'

type Dialect = 'postgresql' | 'mysql' | 'sqlite'

/** The local names of functions in a schema file. */
export interface DrizzleFunctions {
  /** `index` or `uniqueIndex`. */
  readonly index: string
  readonly sql: string
}

/** Why Drizzle's schema cannot express an index, in a sentence; `undefined` if it can. */
export function inexpressible({ include = [], method }: IndexDefinition): string | undefined {
  if (include.length > 0) return 'A Drizzle schema does not support INCLUDE.'
  if (method === 'fulltext' || method === 'spatial' || method === 'other')
    return `A Drizzle schema does not support ${method === 'other' ? 'this kind of' : method.toUpperCase()} indexes.`
  return undefined
}

/**
 * The expression of an index: `index('city_region_id_index').on(table.regionId)`. Keys that Drizzle has no
 * method for are SQL, which drizzle-kit copies into its migration.
 *
 * @returns A reason if the schema does not contain a column of the index.
 */
export function indexExpression(
  index: IndexDefinition,
  name: string,
  table: DrizzleTable,
  columnExpression: (key: string) => string | undefined,
  functions: DrizzleFunctions,
  quote: string,
  facts: DatabaseFacts,
): string | { readonly why: string } {
  const dialect = dialectOf(facts)
  const keys: string[] = []
  for (const key of index.keys) {
    if (!isPlain(key, dialect)) {
      keys.push(`${functions.sql}\`${template(indexKeySql(key, dialect))}\``)
      continue
    }
    const property = keyOf(table, key.column, facts)
    if (property === undefined)
      return { why: `The table ${table.name} in ${table.module.path} has no column ${key.column}.` }
    const expression = columnExpression(property)
    if (expression === undefined)
      return {
        why: `The third argument of the table ${table.name} in ${table.module.path} does not name its table.`,
      }
    keys.push(`${expression}${methods(key, dialect, quote)}`)
  }
  const start = `${functions.index}(${literal(name, quote)})`
  const list = keys.join(', ')
  const on = index.method === 'btree' ? `.on(${list})` : `.using(${literal(index.method, quote)}, ${list})`
  const where = index.where === undefined ? '' : `.where(${functions.sql}\`${template(index.where)}\`)`
  return `${start}${on}${where}`
}

/** Whether the expression of an index contains SQL. */
export function needsSql({ keys, where }: IndexDefinition, facts: DatabaseFacts): boolean {
  return where !== undefined || keys.some((key) => !isPlain(key, dialectOf(facts)))
}

/** Whether Drizzle has methods for a key. */
function isPlain(key: IndexKey, dialect: Dialect): boolean {
  const { expression, collation, prefixLength, isDescending, operatorClass } = key
  if (expression !== undefined || collation !== undefined || prefixLength !== undefined) return false
  // drizzle-kit 0.31 omits the order of a key that has an operator class.
  return dialect === 'postgresql'
    ? isDescending !== true || operatorClass === undefined
    : isDescending !== true
}

/** Drizzle's default is NULLS LAST for both directions; PostgreSQL's default for DESC is NULLS FIRST. */
function methods({ isDescending, nulls, operatorClass }: IndexKey, dialect: Dialect, quote: string): string {
  if (dialect !== 'postgresql') return ''
  const isLast = nulls === undefined ? isDescending !== true : nulls === 'last'
  return [
    isDescending === true ? '.desc()' : '',
    isLast ? (isDescending === true ? '.nullsLast()' : '') : '.nullsFirst()',
    operatorClass === undefined ? '' : `.op(${literal(operatorClass, quote)})`,
  ].join('')
}

/** An index in a schema file, in a form that can be compared. */
export interface SchemaIndex {
  readonly entry: TableEntry
  readonly name: string
  readonly isUnique: boolean
  readonly method: string
  /** Normalized SQL of its keys. */
  readonly keys: readonly string[]
  /** Normalized condition. */
  readonly where: string | undefined
}

/** The indexes of a table. Omits entries that are not understood. */
export function schemaIndexes(
  table: DrizzleTable,
  extras: TableExtras,
  facts: DatabaseFacts,
  existing: readonly string[],
): SchemaIndex[] {
  return extras.entries.flatMap((entry) => {
    const calls = chainOf(entry.value)
    const constructorCall = calls[0]
    const on = calls.find(({ name }) => name === 'on' || name === 'onOnly')
    const using = calls.find(({ name, args }) => name === 'using' && args.length > 1)
    const columns = on?.args ?? using?.args.slice(1)
    const kind = constructorCall === undefined ? undefined : importedName(table, constructorCall.name)
    if (
      constructorCall === undefined ||
      columns === undefined ||
      (kind !== 'index' && kind !== 'uniqueIndex')
    )
      return []
    const keys = columns.map((node) => keySql(node, table, extras, facts, existing))
    const isUnique = kind === 'uniqueIndex'
    const fallback = `${[table.name, ...keys].join('_')}_index`
    const where = calls.find(({ name }) => name === 'where')?.args[0]
    return [
      {
        entry,
        name: textOf(constructorCall.args[0]) ?? fallback,
        isUnique,
        method: textOf(using?.args[0]) ?? 'btree',
        keys,
        where: where === undefined ? undefined : plainSql(sqlOf(where, table, extras, facts, existing)),
      },
    ]
  })
}

/** The index of a schema that serves the purpose of a wanted one: its first keys are the wanted keys. */
export function covering(
  indexes: readonly SchemaIndex[],
  expected: IndexDefinition,
  facts: DatabaseFacts,
): SchemaIndex | undefined {
  const keys = expected.keys.map((key) => plainKey(key, dialectOf(facts)))
  return indexes.find(
    (index) =>
      index.method === expected.method &&
      index.where === plainSql(expected.where) &&
      (!expected.isUnique || (index.isUnique && index.keys.length === keys.length)) &&
      keys.every((key, at) => key === index.keys[at]),
  )
}

/** The name of a function in its package: `index` for `import { index as idx }`. */
function importedName({ module }: DrizzleTable, local: string): string {
  const binding = module.bindings.get(local)
  return binding?.kind === 'import' ? binding.name : local
}

interface ChainedCall {
  readonly name: string
  readonly args: readonly Syntax[]
}

/** The calls in `index('a').on(table.b).where(c)`, in order. */
function chainOf(node: Syntax): ChainedCall[] {
  const call = bare(node)
  if (call?.type !== 'CallExpression') return []
  const callee = child(call, 'callee')
  const args = children(call, 'arguments')
  const chained = memberOf(callee)
  if (chained === undefined) return [{ name: nameOf(callee) ?? '', args }]
  const before = chainOf(chained.object)
  return [...before, { name: chained.name, args }]
}

function keySql(
  node: Syntax,
  table: DrizzleTable,
  extras: TableExtras,
  facts: DatabaseFacts,
  existing: readonly string[],
): string {
  const sql = sqlOf(node, table, extras, facts, existing)
  if (sql !== undefined) return plainSql(sql) ?? ''
  let key: string | undefined
  let inner: Syntax | undefined = bare(node)
  const called: ChainedCall[] = []
  while (inner !== undefined && key === undefined) {
    key = extras.keyIn(inner)
    if (key !== undefined) break
    const chained = inner.type === 'CallExpression' ? memberOf(child(inner, 'callee')) : undefined
    if (chained === undefined) return '?'
    called.push({ name: chained.name, args: children(inner, 'arguments') })
    inner = chained.object
  }
  if (key === undefined) return '?'
  const has = (name: string) => called.some((call) => call.name === name)
  const isDescending = has('desc')
  const isLast = !has('nullsFirst')
  const operatorClass = textOf(called.find(({ name }) => name === 'op')?.args[0])
  return plainKey(
    {
      column: columnOf(table, key, existing),
      isDescending,
      ...(isLast === isDescending ? { nulls: isLast ? ('last' as const) : ('first' as const) } : {}),
      ...(operatorClass === undefined ? {} : { operatorClass }),
    },
    dialectOf(facts),
  )
}

/** The SQL in `` sql`lower(${table.name})` ``. */
function sqlOf(
  node: Syntax,
  table: DrizzleTable,
  extras: TableExtras,
  facts: DatabaseFacts,
  existing: readonly string[],
): string | undefined {
  const tagged = bare(node)
  if (tagged?.type !== 'TaggedTemplateExpression') return undefined
  const quasi = child(tagged, 'quasi')
  const texts = children(quasi, 'quasis').map((part) =>
    String((part.value as { readonly cooked?: unknown }).cooked),
  )
  const names = children(quasi, 'expressions').map((expression) => {
    const key = extras.keyIn(expression)
    return key === undefined ? '?' : quoteName(columnOf(table, key, existing), dialectOf(facts))
  })
  return texts.map((text, at) => text + (names[at] ?? '')).join('')
}

function plainKey(key: IndexKey, dialect: Dialect): string {
  return plainSql(indexKeySql(key, dialect)) ?? ''
}

function dialectOf({ product }: DatabaseFacts): Dialect {
  return product === 'mariadb' ? 'mysql' : product
}

/** A string as a literal in the quotes of the file. */
function literal(text: string, quote: string): string {
  const json = JSON.stringify(text).slice(1, -1)
  return quote === '"' ? `"${json}"` : `'${json.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

/** A string inside a template literal. */
function template(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('`', '\\`').replaceAll('${', '\\${')
}
