import { lowerAscii } from './characters.ts'
import { impliedOperators, operatorsOfRun } from './operator-names.ts'
import { isSymbolToken, type Token } from './tokenize.ts'

/** The names in a statement by their use, case-folded as in PostgreSQL, without schemas. */
export interface StatementNames {
  /** Every name and keyword. */
  readonly words: ReadonlySet<string>
  /** Followed by a parenthesis: functions, types with a length, keywords. */
  readonly calls: ReadonlySet<string>
  /** After a dot, not called: columns, or functions of a row written as `row.function`. */
  readonly fields: ReadonlySet<string>
  /** Operators, also those that keywords such as `IN` call. */
  readonly operators: ReadonlySet<string>
  /**
   * Set only if each operand of `%` is a number or a column, or the other one is a number: the columns whose
   * types decide whether it is the built-in operator.
   */
  readonly modulo?: readonly string[]
}

const NONE: ReadonlySet<string> = new Set()

/** The names for a dialect in which a statement shows all functions that it calls. */
export const NO_NAMES: StatementNames = { words: NONE, calls: NONE, fields: NONE, operators: NONE }

const OPERATOR = /^(?:[-+*/<>=~!@#%^&|`?]|\?[-|&#]*)$/

export function namesIn(sql: string, tokens: readonly Token[]): StatementNames {
  const words = new Set<string>()
  const calls = new Set<string>()
  const fields = new Set<string>()
  const operators = new Set<string>()
  let start = -1
  let end = -1
  const addRun = () => {
    if (start >= 0) for (const operator of operatorsOfRun(sql.slice(start, end))) operators.add(operator)
  }
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at] as Token
    if (token.kind === 'word' || token.kind === 'quoted') {
      const name = token.kind === 'word' ? lowerAscii(token.text) : token.text
      words.add(name)
      if (token.kind === 'word') for (const operator of impliedOperators(token.upper)) operators.add(operator)
      if (isSymbolToken(tokens[at + 1], '(')) calls.add(name)
      else if (isSymbolToken(tokens[at - 1], '.')) fields.add(name)
    }
    const isOperator = OPERATOR.test(token.text) && (token.kind === 'symbol' || token.kind === 'parameter')
    if (isOperator && token.start === end) end = token.end
    else {
      addRun()
      start = isOperator ? token.start : -1
      end = isOperator ? token.end : -1
    }
  }
  addRun()
  return { words, calls, fields, operators }
}
