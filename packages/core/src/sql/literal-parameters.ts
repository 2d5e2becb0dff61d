import type { Dialect } from './dialect.ts'
import { isSymbolToken, type Token, tokenize } from './tokenize.ts'

/** A select whose literals are parameters, as which it returns the same. */
export interface LiteralParameters {
  readonly sql: string
  /** Strings and integers of 32 bits. */
  readonly params: readonly (string | number)[]
}

const MAX_LENGTH = 20_000
const MAX_INTEGER = 2 ** 31 - 1
/** The dialects whose literals are read, each with selects that have no parameters yet. */
const SELECTS: { readonly [D in Dialect]?: RegExp } = {
  postgresql: /^\s*select\s[^$]*$/i,
  mysql: /^\s*select\s[^?]*$/i,
}
/** Drivers of MySQL write these strings unchanged, with any `sql_mode`. */
const PLAIN_STRING = /^'[^'"\\\p{Cc}]*'$/u
/** They end a comparison. */
const AFTER: ReadonlySet<string> = new Set(['AND', 'ORDER', 'LIMIT', 'OFFSET', 'GROUP'])

/**
 * Replaces the literals that a select of PostgreSQL or MySQL compares with `=` by parameters, so that selects
 * with different values have one text. The drivers of MySQL write parameters into the text. In PostgreSQL, a
 * string literal has no type before it is compared, as a parameter; an integer is of a type that the
 * parameter takes from the column: they are the same only for an integer column.
 *
 * @returns `undefined` if there are none, or it has parameters.
 */
export function literalParameters(sql: string, dialect: Dialect): LiteralParameters | undefined {
  if (sql.length > MAX_LENGTH || SELECTS[dialect]?.test(sql) !== true) return undefined
  let tokens: readonly Token[]
  try {
    tokens = tokenize(sql, dialect)
  } catch {
    return undefined
  }
  const params: (string | number)[] = []
  let text = ''
  let from = 0
  for (const [at, token] of tokens.entries()) {
    const value = isCompared(tokens, at) ? literalOf(token, dialect) : undefined
    if (value === undefined) continue
    params.push(value)
    text += `${sql.slice(from, token.start)}${dialect === 'mysql' ? '?' : `$${params.length}`}`
    from = token.end
  }
  return params.length === 0 ? undefined : { sql: text + sql.slice(from).replace(/;\s{0,9}$/, ''), params }
}

/** Whether a token is all that a name is compared with. */
function isCompared(tokens: readonly Token[], at: number): boolean {
  const [name, sign, after] = [tokens[at - 2], tokens[at - 1], tokens[at + 1]]
  return (
    isSymbolToken(sign, '=') &&
    (name?.kind === 'quoted' || name?.kind === 'word') &&
    (after === undefined || AFTER.has(after.upper) || isSymbolToken(after, ')') || isSymbolToken(after, ';'))
  )
}

function literalOf({ kind, text }: Token, dialect: Dialect): string | number | undefined {
  if (kind === 'string') {
    const isRead = dialect === 'mysql' ? PLAIN_STRING.test(text) : /^'[^\\]*'$/.test(text)
    return isRead ? text.slice(1, -1).replaceAll("''", "'") : undefined
  }
  return kind === 'number' && /^\d{1,10}$/.test(text) && Number(text) <= MAX_INTEGER
    ? Number(text)
    : undefined
}
