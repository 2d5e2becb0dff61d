import { lowerAscii, upperAscii } from './characters.ts'
import { volatilityOf } from './functions.ts'
import { callSuffixes, notFunctions } from './keywords.ts'
import type { StatementCursor } from './statement-cursor.ts'
import type { Token } from './tokenize.ts'

/** Notes a call; its opening parenthesis comes next, or after the word the cursor is at. */
export function noteCall(cursor: StatementCursor, name: readonly string[], plain: boolean): void {
  const last = name.at(-1) ?? ''
  if (lowerAscii(last) === 'set_config') cursor.giveUp('set_config()')
  const volatility = plain ? volatilityOf(upperAscii(last), cursor.dialect, argumentsOf(cursor)) : 'unknown'
  if (volatility === 'volatile') cursor.volatile = true
  else if (volatility === 'unknown') cursor.functions.add(cursor.dialect === 'postgresql' ? name.join('.') : lowerAscii(name.join('.')))
}

function argumentsOf(cursor: StatementCursor): readonly Token[] {
  if (cursor.dialect !== 'sqlite') return []
  const start = cursor.position
  if (!cursor.isSymbol('(')) cursor.position++
  const first = cursor.position + 1
  cursor.skipParentheses()
  const found = cursor.tokens.slice(first, cursor.position - 1)
  cursor.position = start
  return found
}

export function isKeywordBeforeParenthesis(cursor: StatementCursor, token: Token): boolean {
  if (notFunctions[cursor.dialect].has(token.upper)) return true
  if (token.upper === 'INSERT') return cursor.isWord('THEN', -1) && cursor.kinds.includes('MERGE')
  return callSuffixes.has(token.upper) && cursor.isSymbol(')', -1)
}
