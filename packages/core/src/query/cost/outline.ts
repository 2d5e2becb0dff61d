import type { Dialect } from '../../sql/dialect.ts'
import { fingerprint } from '../../sql/fingerprint.ts'
import { queryStarts, words } from '../../sql/keywords.ts'
import { type Range, TokenMap } from '../../sql/token-map.ts'
import { type Token, tokenize } from '../../sql/tokenize.ts'
import { readConditions } from './conditions.ts'
import { readFrom } from './from-list.ts'
import type { Block } from './outline-types.ts'

/** The parts of a statement that cost estimates and rewriting need. */
export interface Outline {
  readonly tokens: readonly Token[]
  readonly map: TokenMap
  readonly blocks: readonly Block[]
  /** A range as a shape: without its values. */
  label(range: Range): string
}

const setOperators = words('UNION INTERSECT EXCEPT')
const blockStarts = words('SELECT UPDATE DELETE')
const clauseStarts = words('FROM WHERE GROUP HAVING ORDER LIMIT OFFSET FETCH RETURNING WINDOW FOR SET LOCK')

/**
 * Reads a statement's outline.
 *
 * @throws SqlSyntaxError if the text cannot be split into tokens, or its parentheses do not match.
 */
export function outlineOf(sql: string, dialect: Dialect): Outline {
  const tokens = tokenize(sql, dialect)
  const map = new TokenMap(tokens, dialect)
  const blocks: Block[] = []
  for (const range of queriesIn(map)) {
    for (const part of map.split(range, (at) => map.isAny(at, setOperators))) {
      const block = readBlock(map, part)
      if (block !== undefined) blocks.push(block)
    }
  }
  const label = ({ start, end }: Range) => fingerprint(tokens.slice(start, end), dialect).shape
  return { tokens, map, blocks, label }
}

/** Each statement, and each query in parentheses. */
function queriesIn(map: TokenMap): Range[] {
  const all = { start: 0, end: map.tokens.length }
  const found = map.split(all, (at) => map.isSymbol(at, ';'))
  map.tokens.forEach((_, at) => {
    if (map.isSymbol(at, '(') && map.isAny(at + 1, queryStarts)) found.push({ start: at + 1, end: map.closing(at) })
  })
  return found
}

function readBlock(map: TokenMap, range: Range): Block | undefined {
  // What stands before is a WITH, an INSERT, an EXPLAIN, or UNION's ALL.
  const start = map.find(range, (at) => map.isAny(at, blockStarts))
  const kind = map.tokens[start]?.upper
  if (kind === undefined) return undefined
  const clauses = readClauses(map, { start: start + 1, end: range.end })
  const { table, joins } = readSources(map, kind, start, range.end, clauses)
  const where = clauses.get('WHERE')
  const distinct = kind === 'SELECT' && map.isAny(start + 1, words('DISTINCT DISTINCTROW'))
  const list = { start: start + 1, end: firstStart(clauses) ?? range.end }
  const star = kind === 'SELECT' && map.find(list, (at) => isStar(map, at, list)) < list.end
  if (kind === 'SELECT') clauses.set('SELECT', list)
  return {
    start,
    end: range.end,
    kind,
    table,
    joins,
    where: where === undefined ? [] : readConditions(map, where),
    clauses,
    distinct,
    star,
  }
}

/** A `*` that stands for columns, not for a product. */
function isStar(map: TokenMap, at: number, list: Range): boolean {
  if (!map.isSymbol(at, '*')) return false
  const begins = at === list.start || map.isSymbol(at - 1, ',') || map.isSymbol(at - 1, '.') || map.isAny(at - 1, words('DISTINCT ALL'))
  return begins && (at + 1 === list.end || map.isSymbol(at + 1, ','))
}

function firstStart(clauses: ReadonlyMap<string, Range>): number | undefined {
  const [first] = clauses.values()
  return first === undefined ? undefined : first.start - 1
}

/** The ranges after each clause's keyword, in the order of the text. */
function readClauses(map: TokenMap, range: Range): Map<string, Range> {
  const starts: { readonly name: string; readonly at: number }[] = []
  map.each(range, (at) => {
    if (!map.isAny(at, clauseStarts) || map.isSymbol(at - 1, '.')) return
    const name = map.tokens[at]?.upper ?? ''
    if ((name === 'GROUP' || name === 'ORDER') && !map.isWord(at + 1, 'BY')) return
    if (name === 'FROM' && map.isWord(at - 1, 'DISTINCT') && map.isAny(at - 2, words('IS NOT'))) return
    if (!starts.some((known) => known.name === name)) starts.push({ name, at })
  })
  return new Map(starts.map(({ name, at }, index) => [name, { start: at + 1, end: starts[index + 1]?.at ?? range.end }]))
}

function readSources(map: TokenMap, kind: string, start: number, end: number, clauses: ReadonlyMap<string, Range>) {
  const from = clauses.get('FROM')
  if (kind !== 'UPDATE') return from === undefined ? { table: undefined, joins: [] } : readFrom(map, from)
  // PostgreSQL and SQLite add the FROM list to the table that is updated.
  const target = readFrom(map, { start: start + 1, end: (clauses.get('SET')?.start ?? end + 1) - 1 })
  if (from === undefined) return target
  const more = readFrom(map, from)
  if (more.table === undefined) return target
  return { table: target.table, joins: [...target.joins, { ...from, type: 'CROSS' as const, table: more.table, on: [] }, ...more.joins] }
}
