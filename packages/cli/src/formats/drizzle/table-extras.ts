import { bare, child, children, isFunction, nameOf, type Syntax } from '../../source/syntax.ts'
import { type DrizzleTable, returnedBy } from './drizzle-table.ts'

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
