import {
  type CreateIndexChange,
  type DatabaseFacts,
  type DropIndexChange,
  type NamedTable,
  type PatchedChange,
  type SchemaChange,
  tableOf,
} from '@sluice/core/database'
import type { AppSources } from '../../source/app-sources.ts'
import {
  child,
  children,
  nameOf,
  type SourceModule,
  type Syntax,
  sourceModule,
  walk,
} from '../../source/source-module.ts'
import {
  covering,
  type DrizzleFunctions,
  indexExpression,
  inexpressible,
  needsSql,
  schemaIndexes,
} from './drizzle-index.ts'
import { type DrizzleTable, extrasOf, isTable, member, tablesOf, words } from './drizzle-table.ts'
import {
  appendItem,
  applyEdits,
  indentAt,
  removeItem,
  skipSpace,
  type TextEdit,
  unitOf,
} from './text-edits.ts'

/** The tables of a project and its other source files. */
export interface DrizzleSchema {
  readonly files: readonly SourceModule[]
  readonly sources: AppSources
}

/** Result of adding a change to a schema. */
export type DrizzleOutcome =
  | { readonly files: readonly SourceModule[]; readonly patched: PatchedChange }
  | { readonly already: string }
  | { readonly why: string }

/**
 * Adds a change to the files of a Drizzle schema. Inserts an index into the third argument of its table, with
 * the imports it needs, or removes it; all other content of the files stays the same. Rejects changes that
 * the schema cannot express, and tables that are not understood.
 */
export function patchDrizzleSchema(
  schema: DrizzleSchema,
  change: SchemaChange,
  facts: DatabaseFacts,
): DrizzleOutcome {
  const place = tableOf(facts, change.index.table)
  const tables = schema.files
    .flatMap((module) => tablesOf(module, schema.sources, facts))
    .filter((table) => isTable(table, place, facts))
  const [table, another] = tables
  if (table === undefined) return { why: `No file defines the table ${place.name} with Drizzle.` }
  if (another !== undefined)
    return {
      why: `The table ${place.name} is defined more than once, in ${tables.map(({ module }) => module.path).join(' and ')}.`,
    }
  const edited =
    change.kind === 'create-index'
      ? created(change, table, place, facts)
      : dropped(change, table, place, facts)
  if (!('edits' in edited)) return edited
  const { path, text } = table.module
  const content = applyEdits(text, edited.edits)
  try {
    const module = sourceModule(path, content, schema.sources.parse(path, content))
    return {
      files: schema.files.map((file) => (file === table.module ? module : file)),
      patched: { change, path, line: edited.line, notes: [] },
    }
  } catch {
    return { why: `The definition of the table ${table.name} in ${path} has a form that cannot be edited.` }
  }
}

/** Names of the indexes in a schema, except the ones that already serve the purpose of `index`. */
export function drizzleIndexNames(
  { files, sources }: DrizzleSchema,
  index: CreateIndexChange['index'],
  facts: DatabaseFacts,
): string[] {
  const place = tableOf(facts, index.table)
  return files
    .flatMap((module) => tablesOf(module, sources, facts))
    .flatMap((table) => {
      const indexes = indexesOf(table, place, facts)
      const own = isTable(table, place, facts) ? covering(indexes, index, facts) : undefined
      return indexes.filter((one) => one !== own).map(({ name }) => name)
    })
}

function indexesOf(table: DrizzleTable, place: NamedTable, facts: DatabaseFacts) {
  const extras = extrasOf(table)
  if (extras === 'none' || 'why' in extras) return []
  return schemaIndexes(table, extras, facts, place.snapshot?.columns.map(({ name }) => name) ?? [])
}

type Edited =
  | { readonly edits: readonly TextEdit[]; readonly line: string }
  | Exclude<DrizzleOutcome, { files: unknown }>

function created(
  { index, name }: CreateIndexChange,
  table: DrizzleTable,
  place: NamedTable,
  facts: DatabaseFacts,
): Edited {
  const why = inexpressible(index)
  if (why !== undefined) return { why }
  const indexes = indexesOf(table, place, facts)
  const existing = covering(indexes, index, facts)
  if (existing !== undefined) return { already: `The table ${table.name} has the index ${existing.name}.` }
  if (indexes.some((one) => one.name === name))
    return { why: `The name ${name} is used by another index of the table ${table.name}.` }
  const builder = index.isUnique ? 'uniqueIndex' : 'index'
  const core = importNames(table.module, table.core, [builder], table.core)
  if ('why' in core) return core
  const orm = importNames(table.module, 'drizzle-orm', needsSql(index, facts) ? ['sql'] : [], table.core)
  if ('why' in orm) return orm
  const functions: DrizzleFunctions = {
    index: core.names.get(builder) ?? builder,
    sql: orm.names.get('sql') ?? 'sql',
  }
  const extras = extrasOf(table)
  if (typeof extras === 'object' && 'why' in extras) return extras
  const { text } = table.module
  const quote = text[children(table.call, 'arguments')[0]?.start ?? 0] === '"' ? '"' : "'"
  const column = extras === 'none' ? (key: string) => member('table', key) : extras.column
  const line = indexExpression(index, name, table, column, functions, quote, facts)
  if (typeof line !== 'string') return line
  const imports = [...core.edits, ...orm.edits]
  if (extras === 'none') return { edits: [...imports, thirdArgument(table, line)], line }
  const nodes = extras.entries.map(({ node }) => node)
  const key = propertyKey(name, new Set(extras.entries.map((entry) => entry.key)))
  const item = extras.list.type === 'ArrayExpression' ? line : `${key}: ${line}`
  return { edits: [...imports, ...appendItem(text, extras.list, nodes, item)], line }
}

function dropped(
  { name }: DropIndexChange,
  table: DrizzleTable,
  place: NamedTable,
  facts: DatabaseFacts,
): Edited {
  const extras = extrasOf(table)
  const index = indexesOf(table, place, facts).find((one) => one.name === name)
  if (index === undefined || extras === 'none' || 'why' in extras)
    return { why: `The table ${table.name} in ${table.module.path} has no index ${name}.` }
  const { text } = table.module
  const nodes = extras.entries.map(({ node }) => node)
  const { node } = index.entry
  return { edits: [removeItem(text, nodes, node)], line: text.slice(node.start, node.end) }
}

/** The edit that gives a table its third argument, in the layout of the other two. */
function thirdArgument({ call, columnsNode, module: { text } }: DrizzleTable, line: string): TextEdit {
  const isExploded = /^\s*\n/.test(text.slice(text.indexOf('(', callEnd(call)) + 1))
  const indent = indentAt(text, isExploded ? columnsNode.start : call.start)
  const inner = indent + unitOf(text)
  const comma = skipSpace(text, columnsNode.end)
  const hasComma = text[comma] === ','
  const at = hasComma ? comma + 1 : columnsNode.end
  const space = isExploded ? `\n${indent}` : ' '
  const argument = `(table) => [\n${inner}${line},\n${indent}]`
  return { start: at, end: at, text: `${hasComma ? '' : ','}${space}${argument}${hasComma ? ',' : ''}` }
}

/** The position after the name of the called function. */
function callEnd(call: DrizzleTable['call']): number {
  const callee = call.callee as { readonly end: number }
  return callee.end
}

/** The name of a property for an index: `cityRegionIdIndex`. */
function propertyKey(name: string, taken: ReadonlySet<string | undefined>): string {
  const [first = 'index', ...rest] = words(name.replaceAll('_', ' '))
  const key = [first, ...rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1))].join('')
  const start = /^\d/.test(key) ? `index${key}` : key
  let free = start
  for (let number = 2; taken.has(free); number += 1) free = `${start}${number}`
  return free
}

/** Local names of imported functions, and the edits that import them. */
interface ImportedNames {
  readonly names: ReadonlyMap<string, string>
  readonly edits: readonly TextEdit[]
}

/**
 * Finds the local names of functions of a package in a file, and adds imports for those that it lacks.
 *
 * @param beside - Package whose import precedes a new one, if the file has no import of `from`.
 * @returns A reason if the file has no import to extend.
 */
function importNames(
  module: SourceModule,
  from: string,
  required: readonly string[],
  beside: string,
): ImportedNames | { readonly why: string } {
  const names = new Map<string, string>()
  const missing: string[] = []
  for (const name of required) {
    const local = localName(module, from, name)
    if (local === undefined) missing.push(name)
    else names.set(name, local)
  }
  if (missing.length === 0) return { names, edits: [] }
  const items = missing.map((name) => {
    const local = isTaken(module, name) ? `drizzle${name[0]?.toUpperCase()}${name.slice(1)}` : name
    names.set(name, local)
    return local === name ? name : `${name} as ${local}`
  })
  const own = importsOf(module, from).find((node) =>
    children(node, 'specifiers').some(({ type }) => type === 'ImportSpecifier'),
  )
  if (own !== undefined) return { names, edits: specifiersEdits(module.text, own, items) }
  const [neighbor] = importsOf(module, beside)
  if (neighbor === undefined)
    return { why: `The file ${module.path} does not import ${beside} with an import declaration.` }
  const source = child(neighbor, 'source')
  const quote = source === undefined ? "'" : (module.text[source.start] ?? "'")
  const end = module.text[neighbor.end - 1] === ';' ? ';' : ''
  const text = `import { ${items.join(', ')} } from ${quote}${from}${quote}${end}\n`
  return { names, edits: [{ start: neighbor.start, end: neighbor.start, text }] }
}

function specifiersEdits(text: string, declaration: Syntax, items: readonly string[]): TextEdit[] {
  const specifiers = children(declaration, 'specifiers').filter(({ type }) => type === 'ImportSpecifier')
  const first = specifiers[0]
  const braces = { ...declaration, start: text.lastIndexOf('{', first?.start ?? declaration.start) }
  return appendItem(text, braces, specifiers, items.join(', '))
}

/** The import declarations of values of a package. */
function importsOf(module: SourceModule, from: string): Syntax[] {
  return children(module.program, 'body').filter(
    (node) =>
      node.type === 'ImportDeclaration' &&
      node.importKind !== 'type' &&
      nameOf(child(node, 'source')) === from,
  )
}

/** The name by which a file calls a function of a package. */
function localName(module: SourceModule, from: string, name: string): string | undefined {
  for (const [local, binding] of module.bindings) {
    if (binding.kind !== 'import' || binding.from !== from) continue
    if (binding.name === name) return local
    if (binding.name === '*') return `${local}.${name}`
  }
  return undefined
}

/** Whether a file uses a name for something else. */
function isTaken(module: SourceModule, name: string): boolean {
  let isFound = false
  walk(module.program, (node, above) => {
    const parent = above.at(-1)
    const isMember =
      parent?.type === 'MemberExpression' && parent.property === node && parent.computed !== true
    const isKey = parent?.type === 'Property' && parent.key === node && parent.shorthand !== true
    if (node.type === 'Identifier' && nameOf(node) === name && !isMember && !isKey) isFound = true
    return isFound ? false : undefined
  })
  return isFound
}
