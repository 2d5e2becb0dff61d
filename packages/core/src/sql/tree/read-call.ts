import { words } from '../keywords.ts'
import type { SqlCursor } from './cursor.ts'
import type { Expression } from './expression.ts'
import { type ExpressionSource, OR, OTHER } from './operators.ts'

const aggregates = new Set(
  `count sum avg min max total group_concat string_agg array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg json_group_array
  json_group_object jsonb_group_array jsonb_group_object json_arrayagg json_objectagg bool_and bool_or every bit_and bit_or bit_xor stddev stddev_pop stddev_samp variance var_pop
  var_samp corr covar_pop covar_samp percentile_cont percentile_disc mode any_value xmlagg std range_agg`
    .trim()
    .split(/\s+/),
)
/**
 * Words between the arguments of some functions: `trim(BOTH x FROM y)`, `substring(x FROM 1 FOR 2)`,
 * `string_agg(x, ',' ORDER BY y DESC)`.
 */
const between = words(`
  FROM FOR PLACING USING SEPARATOR ORDER BY BOTH LEADING TRAILING DISTINCT ALL VARIADIC ASC DESC NULLS FIRST LAST RESPECT AS ABSENT RETURNING`)
const frames = words('ROWS RANGE GROUPS')
const windowStarts = words('PARTITION ORDER ROWS RANGE GROUPS')
const directions = words('ASC DESC')
const ends = words('FIRST LAST')
const jsonCases = words('NULL EMPTY ERROR')
const modeStarts = words('IN WITH')
const modes = words('IN NATURAL LANGUAGE BOOLEAN MODE WITH QUERY EXPANSION')

/** Reads the arguments of a function and any suffix; the cursor is at the parenthesis. */
export function readCall(source: ExpressionSource, start: number, name: string): Expression {
  const { cursor } = source
  const { block } = source.scope
  const open = cursor.position
  const mentioned = block.mentions.length
  const parts = cursor.parenthesised(() => readArguments(source, name, cursor.map.closing(open)))
  let isAggregate = aggregates.has(name)
  let isWindow = false
  for (;;) {
    if (cursor.isWord('FILTER') && cursor.isSymbol('(', 1)) {
      cursor.position++
      parts.push(
        cursor.parenthesised(() => {
          cursor.expectWord('WHERE')
          return source.read(OR)
        }),
      )
    } else if (cursor.isWord('WITHIN') && cursor.isWord('GROUP', 1)) {
      cursor.position += 2
      isAggregate = true
      readWindow(source, parts)
    } else if (cursor.isWord('OVER') && (cursor.isSymbol('(', 1) || cursor.isName(1))) {
      cursor.position++
      isWindow = true
      if (cursor.isSymbol('(')) readWindow(source, parts)
      else cursor.name()
    } else if ((cursor.isWord('IGNORE') || cursor.isWord('RESPECT')) && cursor.isWord('NULLS', 1))
      cursor.position += 2
    else break
  }
  // SQLite: min and max of several values are not aggregates.
  if ((name === 'min' || name === 'max') && parts.length > 1 && !isWindow) isAggregate = false
  if (isWindow) block.hasWindows = true
  else if (isAggregate) {
    const args = { start: open + 1, end: cursor.map.closing(open) }
    block.aggregates ??= []
    block.aggregates.push({ name, args, columns: block.mentions.slice(mentioned) })
  }
  return {
    kind: 'call',
    name,
    parts,
    isAggregate: isAggregate && !isWindow,
    isWindow,
    start,
    end: cursor.position,
  }
}

function readArguments(source: ExpressionSource, name: string, end: number): Expression[] {
  const { cursor } = source
  const parts: Expression[] = []
  if (name === 'extract' && cursor.isWord('FROM', 1)) cursor.position++
  // The names of units and character sets are not columns.
  const isUnit = name === 'timestampdiff' || name === 'timestampadd'
  if (isUnit && cursor.isName() && cursor.isSymbol(',', 1)) cursor.position++
  while (cursor.position < end) {
    if (cursor.takeWord('USING')) {
      cursor.dottedName()
      continue
    }
    if (cursor.takeSymbol(',') || (isBetween(cursor) && cursor.takeAny(between))) continue
    if (cursor.isSymbol('*') && (cursor.isSymbol(')', 1) || cursor.isSymbol(',', 1))) {
      cursor.position++
      continue
    }
    if (cursor.isWord('ON') && cursor.isAny(jsonCases, 1)) cursor.position += 2
    parts.push(source.read(name === 'position' ? OTHER : OR))
    if (name === 'position') cursor.takeWord('IN')
  }
  return parts
}

/** Whether such a word is not the name of a column: `by`, `first` and `last` can be. */
function isBetween(cursor: SqlCursor): boolean {
  if (cursor.isSymbol('.', 1) || cursor.isSymbol('(', 1)) return !cursor.isAny(ends)
  if (cursor.isWord('BY')) return cursor.isWord('ORDER', -1)
  if (cursor.isWord('FIRST') || cursor.isWord('LAST')) return cursor.isWord('NULLS', -1)
  return true
}

/**
 * Reads `([name] [PARTITION BY …] [ORDER BY …] [frame])` and adds its expressions; the frame contains no
 * columns.
 */
function readWindow(source: ExpressionSource, parts: Expression[]): void {
  const { cursor } = source
  const end = cursor.map.closing(cursor.position)
  cursor.parenthesised(() => {
    if (cursor.isName() && !cursor.isAny(windowStarts)) cursor.name()
    if (cursor.takeWords('PARTITION', 'BY')) cursor.list(() => parts.push(source.read(OR)))
    if (cursor.takeWords('ORDER', 'BY')) {
      do {
        parts.push(source.read(OR))
        cursor.takeAny(directions)
        if (cursor.takeWord('NULLS')) cursor.takeAny(ends)
      } while (cursor.takeSymbol(','))
    }
    if (cursor.isAny(frames)) cursor.skipTo(end)
  })
}

/** MySQL's `MATCH (a, b) AGAINST ('x' IN BOOLEAN MODE)`. */
export function readMatchAgainst(source: ExpressionSource): Expression {
  const { cursor } = source
  const start = cursor.position
  cursor.expectWord('MATCH')
  const columns = cursor.isSymbol('(')
    ? cursor.parenthesised(() => cursor.list(() => source.read(OTHER)))
    : cursor.list(() => source.read(OTHER))
  cursor.expectWord('AGAINST')
  const pattern = cursor.parenthesised(() => {
    const found = source.read(OTHER)
    if (cursor.isAny(modeStarts)) {
      while (cursor.isAny(modes)) cursor.position++
    }
    return found
  })
  const [of] = columns
  const range = { start, end: cursor.position }
  if (of === undefined || columns.length > 1) return { kind: 'other', parts: [...columns, pattern], ...range }
  return { kind: 'match', operator: 'match', of, pattern, negated: false, ...range }
}
