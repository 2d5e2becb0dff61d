import { shapeKeywords, words } from './keywords.ts'
import { isSymbolToken, type Token } from './tokenize.ts'

/** Words that only a name can follow. */
const beforeName = words(`
  FROM JOIN INTO UPDATE TABLE VIEW INDEX TRIGGER AS COLLATE REFERENCES WITH RECURSIVE CONSTRAINT COLUMN SAVEPOINT RELEASE SET BY RETURNING`)
/** Words before a parenthesized list of names. */
const beforeColumns = words('USING CONFLICT KEY UNIQUE')
/** Clauses whose items, if any, are names. */
const clausesOfNames = words('FROM BY RETURNING')
const clauses = words('SELECT FROM WHERE BY RETURNING SET VALUES HAVING LIMIT OFFSET ON JOIN WINDOW')
const comparisons = words('IN IS LIKE GLOB BETWEEN NOT')
const constants = words('NULL TRUE FALSE')

/** The context of a token. */
export interface Surroundings {
  /** The word that began the clause, in upper case, within the innermost parentheses. */
  readonly clause: string
  /** The innermost parentheses list the columns of a table. */
  readonly areColumns: boolean
  readonly isCall: boolean
}

/** @returns The clause that continues after a token. */
export function clauseAfter(tokens: readonly Token[], at: number, clause: string): string {
  const upper = tokens[at]?.upper ?? ''
  return clauses.has(upper) && !isDistinctFrom(tokens, at) ? upper : clause
}

/** Whether the parenthesis at an index begins a list of columns. */
export function beginsColumns(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]
  if (before?.kind === 'word' && beforeColumns.has(before.upper)) return true
  const table = tokens[at - 2]?.text === '.' ? at - 3 : at - 1
  return tokens[table - 1]?.upper === 'INTO'
}

/**
 * Whether a double-quoted token of SQLite is certainly a name. SQLite reads it as a string if no column of
 * that name exists, so anywhere else it can contain a value. Source: "Double-quoted String Literals Are
 * Accepted" (sqlite.org/quirks.html).
 */
export function isCertainlyName(
  tokens: readonly Token[],
  at: number,
  { clause, areColumns, isCall }: Surroundings,
): boolean {
  const before = tokens[at - 1]
  const after = tokens[at + 1]
  if (areColumns || isSymbolToken(before, '.') || isSymbolToken(after, '.') || isSymbolToken(after, '('))
    return true
  if (before?.kind === 'word' && beforeName.has(before.upper)) return !isDistinctFrom(tokens, at - 1)
  if (isSymbolToken(before, ',') && !isCall && clausesOfNames.has(clause)) return true
  return clause !== 'VALUES' && !isSymbolOf(before, '=<>!|+-*/%&~') && isComparedWithValue(tokens, at + 1)
}

/**
 * Whether a statement quotes all of its names, as query builders do. Its result columns and the arguments of
 * its functions are then names, too.
 */
export function quotesAllNames(tokens: readonly Token[]): boolean {
  return tokens.every(
    ({ kind, upper }, at) =>
      kind !== 'word' || shapeKeywords.has(upper) || isSymbolToken(tokens[at + 1], '('),
  )
}

/** Whether a token stands where only a query builder would write a name with quotes. */
export function isBuiltName(tokens: readonly Token[], at: number, { clause, isCall }: Surroundings): boolean {
  return (clause === 'SELECT' || isCall) && !isSymbolOf(tokens[at - 1], '=<>!')
}

/** Whether a word belongs to the operator `IS DISTINCT FROM`. */
function isDistinctFrom(tokens: readonly Token[], at: number): boolean {
  return tokens[at]?.upper === 'FROM' && tokens[at - 1]?.upper === 'DISTINCT'
}

/** Comparing two constants is useless, so a token that is compared with a constant is a name. */
function isComparedWithValue(tokens: readonly Token[], from: number): boolean {
  let at = from
  while (
    isSymbolOf(tokens[at], '=<>!') ||
    (tokens[at]?.kind === 'word' && comparisons.has(tokens[at]?.upper ?? ''))
  )
    at++
  if (at === from) return false
  if (isSymbolToken(tokens[at], '(')) at++
  const operand = tokens[at]
  return (
    ['parameter', 'string', 'number'].includes(operand?.kind ?? '') || constants.has(operand?.upper ?? '')
  )
}

function isSymbolOf(token: Token | undefined, symbols: string): boolean {
  return token?.kind === 'symbol' && symbols.includes(token.text)
}
