import type { ConditionNode, QueryTree } from '../../sql/tree/query-tree.ts'
import type { Rewrite, RewriteSource } from './rewrite.ts'
import { type Edit, SqlParts } from './sql-parts.ts'
import { blocksOf, columnIn, conditionsOf, eachCondition, type FoundColumn } from './tree-walk.ts'

interface Call {
  readonly name: 'date' | 'year'
  /** The column as written. */
  readonly column: string
  readonly found: FoundColumn
  /** The compared value, as written. */
  readonly value: string
  readonly isLiteral: boolean
}

/** A function around a column hides it from its index; a range of the column says the same. */
export function functionToRange(source: RewriteSource): readonly Rewrite[] {
  const { tree } = source
  const found: Rewrite[] = []
  for (const block of blocksOf(tree.root)) {
    for (const condition of eachCondition(conditionsOf(block))) {
      const call = readCall(source, block, condition)
      const range = call === undefined ? undefined : rangeOf(call, tree)
      if (call === undefined || range === undefined) continue
      const edit: Edit = { start: condition.start, end: condition.end, text: `(${range.text})` }
      found.push({
        rule: 'function-to-range',
        title: `A range of ${call.found.column.name} instead of a function of it`,
        before: tree.sql,
        after: new SqlParts(tree).all([edit]),
        ddl: [],
        isEquivalent: range.caveats.length === 0,
        why: `The index on ${call.found.column.name} is ordered by its values, and does not contain ${call.name === 'date' ? 'their days' : 'their years'}.`,
        caveats: range.caveats,
      })
    }
  }
  return found
}

function readCall(
  { tree, index }: RewriteSource,
  block: Parameters<typeof columnIn>[0],
  condition: ConditionNode,
): Call | undefined {
  const matched = matchCall(tree, condition)
  if (matched === undefined) return undefined
  const { name, from, to, valueStart } = matched
  const { tokens } = tree
  const parts = new SqlParts(tree)
  const names = tokens.slice(from, to).filter(({ kind }) => kind === 'word' || kind === 'quoted')
  if (names.length === 0 || names.length * 2 - 1 !== to - from) return undefined
  const written = names
    .map((_, at) => tree.tokens[from + at * 2])
    .map((token, at) => foldedName(tree, from + at * 2) ?? token?.text ?? '')
  const [column = '', table] = [written.at(-1), written.at(-2)]
  const found = columnIn(block, table === undefined ? { column } : { table, column }, index)
  if (found === undefined || found.column.type !== 'datetime') return undefined
  if (
    !found.table.indexes.some(
      ({ keys }) => keys[0]?.column === found.column.name && keys[0].expression === undefined,
    )
  )
    return undefined
  const value = tokens[valueStart]
  if (value === undefined || valueStart !== condition.end - 1) return undefined
  if (value.kind !== 'parameter' && value.kind !== 'string' && value.kind !== 'number') return undefined
  return {
    name,
    column: parts.text({ start: from, end: to }),
    found,
    value: parts.text({ start: valueStart, end: valueStart + 1 }),
    isLiteral: value.kind !== 'parameter',
  }
}

function foldedName(tree: QueryTree, at: number): string | undefined {
  const token = tree.tokens[at]
  if (token === undefined) return undefined
  return token.kind === 'word' && tree.dialect === 'postgresql' ? token.text.toLowerCase() : token.text
}

interface Match {
  readonly name: 'date' | 'year'
  readonly from: number
  readonly to: number
  readonly valueStart: number
}

/** `date(x) = v`, `x::date = v`, `year(x) = v`, `extract(year from x) = v`. */
function matchCall({ tokens, dialect }: QueryTree, { start, end }: ConditionNode): Match | undefined {
  const upper = (at: number) => tokens[at]?.upper ?? ''
  const text = (at: number) => tokens[at]?.text ?? ''
  const equals = tokens.findIndex((token, at) => at > start && at < end && token.text === '=')
  if (equals < 0 || tokens[equals + 1]?.start === undefined || '=<>'.includes(text(equals - 1)))
    return undefined
  const valueStart = equals + 1
  if (dialect === 'postgresql' && text(equals - 2) === '::' && upper(equals - 1) === 'DATE')
    return { name: 'date', from: start, to: equals - 2, valueStart }
  if (text(equals - 1) !== ')') return undefined
  if (upper(start) === 'DATE' && text(start + 1) === '(')
    return { name: 'date', from: start + 2, to: equals - 1, valueStart }
  if (dialect === 'mysql' && upper(start) === 'YEAR' && text(start + 1) === '(')
    return { name: 'year', from: start + 2, to: equals - 1, valueStart }
  const isExtract =
    dialect !== 'sqlite' &&
    upper(start) === 'EXTRACT' &&
    upper(start + 2) === 'YEAR' &&
    upper(start + 3) === 'FROM'
  return isExtract ? { name: 'year', from: start + 4, to: equals - 1, valueStart } : undefined
}

function rangeOf(
  { name, column, value, isLiteral, found }: Call,
  { dialect }: QueryTree,
): { readonly text: string; readonly caveats: readonly string[] } | undefined {
  const between = (low: string, high: string) => `${column} >= ${low} AND ${column} < ${high}`
  if (name === 'year') {
    if (!/^\d{4}$/.test(value)) return undefined
    const next = String(Number(value) + 1).padStart(4, '0')
    return { text: between(`'${value}-01-01'`, `'${next}-01-01'`), caveats: [] }
  }
  const isDay = /^'\d{4}-\d{2}-\d{2}'$/.test(value)
  if (isLiteral && !isDay) return undefined
  switch (dialect) {
    case 'postgresql':
      return { text: between(`${value}::date`, `${value}::date + 1`), caveats: [] }
    case 'mysql':
      return {
        text: between(value, `${value} + INTERVAL 1 DAY`),
        caveats: isLiteral
          ? []
          : [
              'The value must be a day without a time: with a time, the function finds nothing, and the range what follows in 24 hours. It is bound twice.',
            ],
      }
    case 'sqlite':
      return {
        text: between(value, `date(${value}, '+1 day')`),
        caveats: [
          `SQLite has no type for times: it finds the same rows only where ${found.column.name} is text that begins with the day, as \`2024-05-31 12:00:00\`, without an offset from UTC, and the value is a day, as \`2024-05-31\`.`,
        ],
      }
  }
}
