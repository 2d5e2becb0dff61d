import { type DatabaseFacts, isSameName, type NamedTable } from '@sluice/core/database'
import type { AppSources, Found } from '../../source/app-sources.ts'
import {
  bare,
  child,
  children,
  isFunction,
  memberOf,
  nameOf,
  type SourceModule,
  type Syntax,
  walk,
} from '../../source/source-module.ts'

/** A table that a file defines with `pgTable`, `mysqlTable` or `sqliteTable`. */
export interface DrizzleTable {
  readonly module: SourceModule
  /** The package of its functions: `drizzle-orm/pg-core`. */
  readonly core: string
  /** Name of the schema, if the file states one. */
  readonly schema?: string
  readonly name: string
  /** The call that defines it. */
  readonly call: Syntax
  /** The argument with the columns. */
  readonly columnsNode: Syntax
  /** The columns by key. */
  readonly columns: readonly DrizzleColumn[]
}

interface DrizzleColumn {
  readonly key: string
  /** Name in the database. Omitted if Drizzle derives it from the key. */
  readonly name?: string
}

const CORES: Readonly<Record<DatabaseFacts['product'], { readonly core: string; readonly prefix: string }>> =
  {
    postgresql: { core: 'drizzle-orm/pg-core', prefix: 'pg' },
    mysql: { core: 'drizzle-orm/mysql-core', prefix: 'mysql' },
    mariadb: { core: 'drizzle-orm/mysql-core', prefix: 'mysql' },
    sqlite: { core: 'drizzle-orm/sqlite-core', prefix: 'sqlite' },
  }

/** The tables of a file that are for the given database. */
export function tablesOf(module: SourceModule, sources: AppSources, facts: DatabaseFacts): DrizzleTable[] {
  const { core, prefix } = CORES[facts.product]
  const tables: DrizzleTable[] = []
  walk(module.program, (node) => {
    if (node.type !== 'CallExpression') return undefined
    const [nameNode, columnsNode] = children(node, 'arguments')
    const name = textOf(nameNode)
    const place = name === undefined ? undefined : placeOf({ module, node }, sources, core, prefix)
    if (name === undefined || place === undefined || columnsNode === undefined) return undefined
    tables.push({
      module,
      core,
      ...place,
      name,
      call: node,
      columnsNode,
      columns: columnsOf({ module, node: columnsNode }, sources),
    })
    return false
  })
  return tables
}

/** Whether a table of a file is the given table of the database. */
export function isTable(drizzle: DrizzleTable, table: NamedTable, facts: DatabaseFacts): boolean {
  return (
    isSameName(facts, drizzle.name, table.name) &&
    isSameName(facts, drizzle.schema ?? facts.defaultSchema, table.schema)
  )
}

/** The key of a column of the database. A stated name takes precedence over one that Drizzle derives. */
export function keyOf(table: DrizzleTable, column: string, facts: DatabaseFacts): string | undefined {
  const is = (name: string | undefined) => name !== undefined && isSameName(facts, name, column)
  const unnamed = table.columns.filter(({ name }) => name === undefined)
  const found =
    table.columns.find(({ name }) => is(name)) ??
    unnamed.find(({ key }) => is(key)) ??
    unnamed.find(({ key }) => is(words(key).join('_')))
  return found?.key
}

/** The name in the database of the column with a key, as far as the file states or implies it. */
export function columnOf(table: DrizzleTable, key: string, existing: readonly string[]): string {
  const column = table.columns.find((candidate) => candidate.key === key)
  if (column?.name !== undefined) return column.name
  const snake = words(key).join('_')
  return !existing.includes(key) && existing.includes(snake) ? snake : key
}

/** The words of a name in lower case, as Drizzle's option `casing` splits them. */
export function words(name: string): string[] {
  return (name.match(/[\da-z]+|[A-Z]+(?![a-z])|[A-Z][\da-z]+/g) ?? []).map((word) => word.toLowerCase())
}

/** The value of a string or a template without expressions. */
export function textOf(node: Syntax | undefined): string | undefined {
  const inner = bare(node)
  if (inner?.type === 'Literal') return nameOf(inner)
  const [quasi, ...more] = inner?.type === 'TemplateLiteral' ? children(inner, 'quasis') : []
  if (quasi === undefined || more.length > 0) return undefined
  const { cooked } = quasi.value as { readonly cooked?: unknown }
  return typeof cooked === 'string' ? cooked : undefined
}

/** The schema of a call that defines a table; `undefined` for other calls. */
function placeOf(
  { module, node }: Found,
  sources: AppSources,
  core: string,
  prefix: string,
): { readonly schema?: string } | undefined {
  const callee = child(node, 'callee')
  if (callee === undefined) return undefined
  const is = (found: Found, ...names: readonly string[]) =>
    names.some((name) => sources.isFrom(found, core, name) || sources.isFrom(found, core, `*.${name}`))
  if (is({ module, node: callee }, `${prefix}Table`, 'snakeCase.table', 'camelCase.table')) return {}
  const member = memberOf(callee)
  const created = member?.name === 'table' ? sources.resolve({ module, node: member.object }) : undefined
  if (created === undefined || !('node' in created) || created.node.type !== 'CallExpression')
    return undefined
  const maker = child(created.node, 'callee')
  const schema = textOf(children(created.node, 'arguments')[0])
  if (maker === undefined || schema === undefined) return undefined
  return is(
    { module: created.module, node: maker },
    `${prefix}Schema`,
    `${prefix}Database`,
    'snakeCase.schema',
  )
    ? { schema }
    : undefined
}

/** The columns in `{ id: integer() }`, `(t) => ({ id: t.integer() })`, with spread objects. */
function columnsOf(found: Found, sources: AppSources, depth = 0): DrizzleColumn[] {
  const resolved = depth > 5 ? undefined : sources.resolve(found)
  if (resolved === undefined || !('node' in resolved)) return []
  const { module, node } = resolved
  if (isFunction(node)) {
    const returned = returnedBy(node)
    return returned === undefined ? [] : columnsOf({ module, node: returned }, sources, depth + 1)
  }
  return children(node, 'properties').flatMap((property): DrizzleColumn[] => {
    const argument = property.type === 'SpreadElement' ? child(property, 'argument') : undefined
    if (argument !== undefined) return columnsOf({ module, node: argument }, sources, depth + 1)
    const key = property.computed === true ? undefined : nameOf(child(property, 'key'))
    const name = columnName(child(property, 'value'))
    return key === undefined ? [] : [{ key, ...(name === undefined ? {} : { name }) }]
  })
}

/** The `'region_id'` in `integer('region_id').notNull()`. */
function columnName(value: Syntax | undefined): string | undefined {
  const call = bare(value)
  const inner = memberOf(child(call, 'callee'))?.object
  if (inner?.type === 'CallExpression') return columnName(inner)
  return call?.type === 'CallExpression' ? textOf(children(call, 'arguments')[0]) : undefined
}

function returnedBy(node: Syntax): Syntax | undefined {
  const body = child(node, 'body')
  if (body?.type !== 'BlockStatement') return bare(body)
  const [only, ...more] = children(body, 'body')
  return only?.type === 'ReturnStatement' && more.length === 0 ? bare(child(only, 'argument')) : undefined
}

/** The third argument of a table: a function that returns its indexes and constraints. */
export interface TableExtras {
  /** The array, or the object in the form of older versions. */
  readonly list: Syntax
  readonly entries: readonly TableEntry[]
  /** The expression for a column: `table.regionId`. `undefined` if the function does not name the column. */
  column(key: string): string | undefined
  /** The key of the column that an expression such as `table.regionId` stands for. */
  keyIn(node: Syntax): string | undefined
}

export interface TableEntry {
  /** The element or the property. */
  readonly node: Syntax
  /** The name of the property. */
  readonly key?: string
  readonly value: Syntax
}

/** The extras of a table; `none` if it has no third argument; a reason if they have another form. */
export function extrasOf({
  call,
  name,
  module,
}: DrizzleTable): TableExtras | 'none' | { readonly why: string } {
  const third = children(call, 'arguments')[2]
  if (third === undefined) return 'none'
  const makes = bare(third)
  const list = makes !== undefined && isFunction(makes) ? returnedBy(makes) : undefined
  if (makes === undefined || list === undefined || !/^(?:Array|Object)Expression$/.test(list.type))
    return {
      why: `The third argument of the table ${name} in ${module.path} is not a function that returns an array or an object.`,
    }
  const [parameter] = children(makes, 'params')
  const names = parameter?.type === 'ObjectPattern' ? patternNames(parameter) : undefined
  const table = parameter?.type === 'Identifier' ? nameOf(parameter) : undefined
  return {
    list,
    entries: list.type === 'ArrayExpression' ? elementsOf(list) : propertiesOf(list),
    column: (key) => (table === undefined ? names?.get(key) : member(table, key)),
    keyIn: (node) => {
      const inner = bare(node)
      if (inner?.type === 'Identifier')
        return [...(names ?? [])].find(([, local]) => local === nameOf(inner))?.[0]
      if (inner?.type !== 'MemberExpression' || nameOf(child(inner, 'object')) !== table) return undefined
      return nameOf(child(inner, 'property'))
    },
  }
}

/** `table.regionId`, `table['region-id']`. */
export function member(table: string, key: string): string {
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
    ? `${table}.${key}`
    : `${table}[${JSON.stringify(key)}]`
}

function elementsOf(list: Syntax): TableEntry[] {
  return children(list, 'elements').map((node) => ({ node, value: bare(node) ?? node }))
}

function propertiesOf(list: Syntax): TableEntry[] {
  return children(list, 'properties').map((node) => {
    const key = node.type === 'Property' ? nameOf(child(node, 'key')) : undefined
    return { node, ...(key === undefined ? {} : { key }), value: bare(child(node, 'value')) ?? node }
  })
}

/** The local names in `({ regionId, name: title })` by key. */
function patternNames(pattern: Syntax): Map<string, string> {
  return new Map(
    children(pattern, 'properties').flatMap((property) => {
      const key = nameOf(child(property, 'key'))
      const local = nameOf(child(property, 'value'))
      return key === undefined || local === undefined ? [] : [[key, local] as const]
    }),
  )
}
