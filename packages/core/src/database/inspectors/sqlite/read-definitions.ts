import { SqlSyntaxError } from '../../../sql/syntax-error.ts'
import { type Token, tokenize } from '../../../sql/tokenize.ts'

/** One key of an index as its CREATE INDEX has it. */
interface WrittenKey {
  /** Without its collation and direction. */
  readonly expression: string
}

export interface WrittenIndex {
  readonly keys: readonly WrittenKey[]
  readonly where?: string
}

/** The keys and the condition of a CREATE INDEX that SQLite keeps; `undefined` when it is not understood. */
export function readIndexDefinition(sql: string): WrittenIndex | undefined {
  const tokens = tokensOf(sql)
  const on = tokens.findIndex(({ kind, upper }) => kind === 'word' && upper === 'ON')
  const open = tokens.findIndex(({ text }, at) => on !== -1 && at > on && text === '(')
  if (open === -1) return undefined
  const close = closingOf(tokens, open)
  const keys = split(tokens, open + 1, close).map((key) => ({ expression: expressionOf(sql, key) }))
  const where = tokens[close + 1]?.upper === 'WHERE' ? tokens[close + 2] : undefined
  return where === undefined ? { keys } : { keys, where: withoutEnd(sql.slice(where.start)) }
}

/** The collations that a CREATE TABLE declares, by column in lower case. */
export function declaredCollations(sql: string): ReadonlyMap<string, string> {
  const tokens = tokensOf(sql)
  const collations = new Map<string, string>()
  const open = tokens.findIndex(({ text }) => text === '(')
  if (open === -1) return collations
  for (const part of split(tokens, open + 1, closingOf(tokens, open))) {
    const at = part.findIndex(({ upper }) => upper === 'COLLATE')
    const [column, collation] = [part[0], part[at + 1]]
    if (at > 0 && column !== undefined && collation !== undefined)
      collations.set(nameOf(column).toLowerCase(), nameOf(collation).toUpperCase())
  }
  return collations
}

/** The SELECT of a CREATE VIEW, with the view's column names. `undefined` if it cannot be parsed. */
export function viewDefinition(sql: string): string | undefined {
  const tokens = tokensOf(sql)
  const as = tokens.findIndex(({ kind, upper }) => kind === 'word' && upper === 'AS')
  const body = tokens[as + 1]
  if (as === -1 || body === undefined) return undefined
  const select = withoutEnd(sql.slice(body.start))
  const open = tokens.findIndex(({ text }, at) => at < as && text === '(')
  const [first, last] = [tokens[open], tokens[as - 1]]
  if (open === -1 || first === undefined || last === undefined) return select
  return `WITH named ${sql.slice(first.start, last.end)} AS (${select}) SELECT * FROM named`
}

function tokensOf(sql: string): readonly Token[] {
  try {
    return tokenize(sql, 'sqlite')
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return []
  }
}

function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let at = open; at < tokens.length; at++) {
    const { text, kind } = tokens[at] as Token
    if (kind !== 'symbol') continue
    if (text === '(') depth++
    else if (text === ')' && --depth === 0) return at
  }
  return tokens.length
}

/** The parts between the commas that are in no parentheses. */
function split(tokens: readonly Token[], from: number, to: number): Token[][] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens.slice(from, to)) {
    if (token.kind === 'symbol' && token.text === '(') depth++
    else if (token.kind === 'symbol' && token.text === ')') depth--
    if (depth === 0 && token.kind === 'symbol' && token.text === ',') parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

function expressionOf(sql: string, key: readonly Token[]): string {
  let end = key.length
  if (['ASC', 'DESC'].includes(key[end - 1]?.upper ?? '')) end--
  if (key[end - 2]?.upper === 'COLLATE') end -= 2
  return sql.slice(key[0]?.start, key[end - 1]?.end)
}

/** A name may be written as a string, too. */
function nameOf({ kind, text }: Token): string {
  return kind === 'string' ? text.slice(1, -1) : text
}

function withoutEnd(sql: string): string {
  return sql.trim().replace(/;$/, '').trimEnd()
}
