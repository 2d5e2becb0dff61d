import { lowerAscii } from '../characters.ts'
import { words } from '../keywords.ts'
import { beginsStatement } from '../procedural-code.ts'
import { isSymbolToken, type Token } from '../tokenize.ts'
import { targetsAfter } from './targets.ts'

/** The records of a trigger, which it can return as the row. */
const ROWS = new Set(['new', 'old'])
/** Words before targets of assignments. */
const beforeTargets = words('INTO FOR FOREACH')
/** Another name for a record, and a list of assignments. */
const hiding = words('ALIAS DIAGNOSTICS')

/**
 * The columns that a trigger function in PL/pgSQL may assign in the row that it returns, of which each is
 * written as `NEW.column` or `OLD.column`.
 *
 * @returns `undefined`: any, because the function may return another record, or assign a whole one.
 */
export function columnsAssignedInRow(tokens: readonly Token[]): ReadonlySet<string> | undefined {
  const columns = new Set<string>()
  const targets = new Set<number>()
  for (const [at, { upper }] of tokens.entries()) {
    if (isSymbolToken(tokens[at - 1], '.')) continue
    if (hiding.has(upper) || (upper === 'RETURN' && !returnsRow(tokens, at + 1))) return undefined
    if (beforeTargets.has(upper)) for (const target of targetsAfter(tokens, at)) targets.add(target)
  }
  for (const [at, token] of tokens.entries()) {
    if (!ROWS.has(nameOf(token) ?? '')) continue
    const before = tokens[at - 1]
    // The record can be qualified by the name of the function.
    if (!targets.has(at) && !beginsStatement(before) && !isSymbolToken(before, '.')) continue
    const column = isSymbolToken(tokens[at + 1], '.') ? nameOf(tokens[at + 2]) : undefined
    if (column === undefined) return undefined
    columns.add(column)
  }
  return columns
}

/** Whether one of the trigger's records or NULL is returned, and nothing computed. */
function returnsRow(tokens: readonly Token[], at: number): boolean {
  const isRecord = (token: Token | undefined) => ROWS.has(nameOf(token) ?? '') || token?.upper === 'NULL'
  const isWhole = tokens[at]?.upper === 'COALESCE' && isSymbolToken(tokens[at + 1], '(')
  const end = isWhole ? at + 6 : at + 1
  if (!isSymbolToken(tokens[end], ';')) return false
  return isWhole
    ? isRecord(tokens[at + 2]) && isSymbolToken(tokens[at + 3], ',') && isRecord(tokens[at + 4])
    : isRecord(tokens[at])
}

function nameOf(token: Token | undefined): string | undefined {
  if (token?.kind === 'quoted') return token.text
  return token?.kind === 'word' ? lowerAscii(token.text) : undefined
}
