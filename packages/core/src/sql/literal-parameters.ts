import type { Dialect } from './dialect.ts'
import { isSymbolToken, type Token, tokenize } from './tokenize.ts'

/** A select whose literals are parameters, as which it returns the same. */
export interface LiteralParameters {
  readonly sql: string
  /** Those that it had, and strings and integers of 32 bits. */
  readonly params: readonly unknown[]
}

const MAX_LENGTH = 20_000
const MAX_INTEGER = 2 ** 31 - 1
const SELECT = /^\s*select\s/i
/** How the dialects whose literals are read write parameters. */
const PARAMETER: { readonly [D in Dialect]?: string } = { postgresql: '$', mysql: '?' }
/** A list of one integer. TypeORM writes many, and the values of other conditions as parameters. */
const LISTED = / IN \(\d{1,10}\)/
/** Drivers of MySQL write these strings unchanged, with any `sql_mode`. */
const PLAIN_STRING = /^'[^'"\\\p{Cc}]*'$/u
/** They end a comparison. */
const AFTER: ReadonlySet<string> = new Set(['AND', 'ORDER', 'LIMIT', 'OFFSET', 'GROUP'])

/**
 * Replaces literals of a select of PostgreSQL or MySQL by parameters, so that selects with different values
 * have one text. In a select without parameters, these are the literals that it compares with `=`; in one
 * with parameters, the integer of a list of one, if the same column is compared with a parameter.
 *
 * The drivers of MySQL write parameters into the text. In PostgreSQL, a string literal has no type before it
 * is compared, as a parameter; an integer is of a type that the parameter takes from the column: they are the
 * same only for an integer column.
 *
 * @param bound - The parameters that it has. In PostgreSQL, the literals follow them.
 * @returns `undefined` if there are none.
 */
export function literalParameters(
  sql: string,
  dialect: Dialect,
  bound: readonly unknown[],
): LiteralParameters | undefined {
  const sign = PARAMETER[dialect]
  if (sign === undefined || sql.length > MAX_LENGTH || !SELECT.test(sql)) return undefined
  const isListed = bound.length > 0
  if (isListed ? !LISTED.test(sql) : sql.includes(sign)) return undefined
  let tokens: readonly Token[]
  try {
    tokens = tokenize(sql, dialect)
  } catch {
    return undefined
  }
  // MySQL has variables of the session too.
  const isParameter = ({ kind, text }: Token) => kind === 'parameter' && text.startsWith(sign)
  const places = tokens.filter(isParameter).map(({ text }, at) => Number(text.slice(1) || at + 1))
  if (isListed && Math.max(...places) !== bound.length) return undefined
  const params = [...bound]
  let text = ''
  let from = 0
  let seen = 0
  for (const [at, token] of tokens.entries()) {
    if (isParameter(token)) seen += 1
    const isRead = isListed ? isRepeated(sql, tokens, at, sign) : isCompared(tokens, at)
    const value = isRead ? literalOf(token, dialect) : undefined
    if (value === undefined) continue
    params.splice(dialect === 'mysql' ? seen++ : params.length, 0, value)
    text += `${sql.slice(from, token.start)}${dialect === 'mysql' ? '?' : `$${params.length}`}`
    from = token.end
  }
  return from === 0 ? undefined : { sql: text + sql.slice(from).replace(/;\s{0,9}$/, ''), params }
}

/** Whether a token is the integer of a list of one, whose column is compared with a parameter elsewhere. */
function isRepeated(sql: string, tokens: readonly Token[], at: number, sign: string): boolean {
  const [name, word, open, token, close] = tokens.slice(at - 3, at + 2)
  if (token?.kind !== 'number' || word?.upper !== 'IN' || name?.kind !== 'quoted') return false
  if (!isSymbolToken(open, '(') || !isSymbolToken(close, ')')) return false
  let start = at - 3
  while (isSymbolToken(tokens[start - 1], '.') && tokens[start - 2]?.kind === 'quoted') start -= 2
  return sql.includes(`${sql.slice(tokens[start]?.start, name.end)} = ${sign}`)
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
