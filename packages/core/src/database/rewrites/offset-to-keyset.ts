import { quoteName } from '../../sql/dialect.ts'
import type { QueryBlock, QueryTree } from '../../sql/tree/query-tree.ts'
import {
  columnIn,
  type Edit,
  type FoundColumn,
  type Rewrite,
  type RewriteSource,
  SqlParts,
} from './rewrite.ts'

interface Key {
  readonly sql: string
  readonly name: string
  readonly isDescending: boolean
  readonly isNew: boolean
  readonly found: FoundColumn
}

/**
 * `OFFSET n` reads and discards n rows; a page that begins after the last row of the previous one reads none
 * of them.
 */
export function offsetToKeyset({ tree, index, bindings }: RewriteSource): readonly Rewrite[] {
  const { root, dialect } = tree
  const { offset, limit, orderBy } = root
  if (
    root.kind !== 'select' ||
    offset === undefined ||
    limit === undefined ||
    orderBy.length === 0 ||
    root.from.length !== 1
  )
    return []
  if (tree.tokens.some(({ upper }) => upper === 'WINDOW')) return []
  if (
    root.isDistinct ||
    root.groupBy.length > 0 ||
    root.having.length > 0 ||
    root.hasWindows ||
    root.outputs.some((output) => output.isAggregated)
  )
    return []
  if (offset.kind === 'literal' && offset.text === '0') return []
  if (offset.kind === 'parameter' && bindings !== undefined && Number(bindings[offset.place]) === 0) return []
  const keys = keysOf({ tree, index })
  const limitText = limitOf(tree, root)
  if (keys === undefined || limitText === undefined) return []
  const parts = new SqlParts(tree)
  if (offset.kind === 'parameter') parts.free(offset.place)
  const isRow =
    keys.every(({ isDescending }) => isDescending === keys[0]?.isDescending) && dialect !== 'mysql'
  const condition = isRow ? asRow(keys, parts) : asAlternatives(keys, () => parts.fresh())
  const { where, orderBy: order, limit: bound } = root.clauses
  if (order === undefined || bound === undefined) return []
  const added = keys
    .filter(({ isNew }) => isNew)
    .map(({ sql, isDescending }) => `, ${sql}${isDescending ? ' DESC' : ''}`)
  const edits: Edit[] = [
    where === undefined
      ? { start: order.start - 2, end: order.start - 2, text: ` WHERE ${condition}` }
      : { ...where, text: `(${parts.text(where)}) AND ${condition}` },
    { start: order.end, end: order.end, text: added.join('') },
    { ...bound, text: `LIMIT ${limitText}` },
  ]
  const names = keys.map(({ name }) => name).join(', ')
  const selected = keys.filter(({ found }) => !isSelected(root, found)).map(({ name }) => name)
  return [
    {
      rule: 'offset-to-keyset',
      title: 'Query the next page by the last row of the previous page',
      before: tree.sql,
      after: parts.all(edits.filter(({ text, start, end }) => text !== '' || end > start)),
      ddl: [],
      isEquivalent: false,
      why: 'OFFSET reads and discards every row before the page, so each page costs more than the previous one. With an index on the order, this reads only the rows of the page.',
      caveats: [
        `The new values are ${names} of the last row of the previous page; query the first page without the condition.`,
        'You cannot jump to a page by its number. Unlike with OFFSET, rows that are added or removed meanwhile neither repeat nor hide others.',
        ...(added.length > 0
          ? ['The primary key ends the order, so that rows that were equal in it have one order.']
          : []),
        ...(selected.length > 0
          ? [
              `The statement does not select ${selected.join(', ')}: it must, to give the values of the last row.`,
            ]
          : []),
        ...(dialect === 'postgresql' && keys.some(({ found }) => found.column.type === 'datetime')
          ? ['Times have microseconds, and a JavaScript Date has none: take the value as text.']
          : []),
        ...(dialect === 'mysql' || !parts.isNumbered
          ? ['The values are bound in the order of the text.']
          : []),
      ],
    },
  ]
}

function keysOf({ tree, index }: Pick<RewriteSource, 'tree' | 'index'>): readonly Key[] | undefined {
  const { root, dialect } = tree
  const keys: Key[] = []
  for (const { column: term, descending } of root.orderBy) {
    if (
      term === undefined ||
      term.call !== undefined ||
      term.cast !== undefined ||
      term.collation !== undefined
    )
      return undefined
    const found = columnIn(root, term, index)
    // NULL is neither before nor after any value.
    if (found === undefined || (found.column.nullable && !found.table.primaryKey.includes(found.column.name)))
      return undefined
    keys.push({ ...written(found, dialect), isDescending: descending, isNew: false, found })
  }
  const [first] = keys
  if (first === undefined || first.found.table.primaryKey.length === 0) return undefined
  const isDescending = keys.at(-1)?.isDescending ?? false
  for (const name of first.found.table.primaryKey) {
    if (keys.some(({ found }) => found.column.name === name)) continue
    const column = index.column(first.found.table, name)
    if (column === undefined) return undefined
    const found = { ...first.found, column }
    keys.push({ ...written(found, dialect), isDescending, isNew: true, found })
  }
  return keys
}

function written({ item, column }: FoundColumn, dialect: QueryTree['dialect']): Pick<Key, 'sql' | 'name'> {
  return { sql: `${quoteName(item.alias, dialect)}.${quoteName(column.name, dialect)}`, name: column.name }
}

function asRow(keys: readonly Key[], parts: SqlParts): string {
  const sign = keys[0]?.isDescending ? '<' : '>'
  const [columns, values] = [keys.map(({ sql }) => sql), keys.map(() => parts.fresh())]
  return keys.length === 1
    ? `${columns[0]} ${sign} ${values[0]}`
    : `(${columns.join(', ')}) ${sign} (${values.join(', ')})`
}

/**
 * `(a > ? OR (a = ? AND b < ?))`: for directions that differ, and for MySQL, which compares rows without an
 * index.
 */
function asAlternatives(keys: readonly Key[], fresh: () => string): string {
  const values = new Map<Key, string>()
  const value = (key: Key) => {
    const known = values.get(key)
    if (known !== undefined && known !== '?') return known
    const created = fresh()
    values.set(key, created)
    return created
  }
  const arms = keys.map((key, at) => {
    const equal = keys.slice(0, at).map((before) => `${before.sql} = ${value(before)}`)
    const parts = [...equal, `${key.sql} ${key.isDescending ? '<' : '>'} ${value(key)}`]
    return parts.length === 1 ? (parts[0] ?? '') : `(${parts.join(' AND ')})`
  })
  return arms.length === 1 ? (arms[0] ?? '') : `(${arms.join(' OR ')})`
}

/** What LIMIT is, as written. */
function limitOf(tree: QueryTree, { clauses, limit }: QueryBlock): string | undefined {
  if (limit?.kind === 'literal') return limit.text
  const range = clauses.limit
  if (range === undefined || limit?.kind !== 'parameter') return undefined
  const bound = new SqlParts(tree)
  const tokens = tree.tokens.slice(range.start, range.end)
  const isPair = tokens.some(({ text }) => text === ',')
  const at = tokens.findIndex(({ upper, text }) => (isPair ? text === ',' : upper === 'LIMIT'))
  return at < 0 || tokens[at + 1]?.kind !== 'parameter'
    ? undefined
    : bound.text({ start: range.start + at + 1, end: range.start + at + 2 })
}

function isSelected({ outputs }: QueryBlock, { column }: FoundColumn): boolean {
  return outputs.some((output) => output.star !== undefined || output.column?.column === column.name)
}
