import type { BlockScope } from './block-scope.ts'
import type { SqlCursor } from './cursor.ts'
import type { Expression } from './expression.ts'
import {
  AND,
  COMPARISON,
  dialectsOfWord,
  type ExpressionSource,
  IS,
  MATCH,
  NOT,
  OR,
  OTHER,
  operatorAt,
  patternOperators,
  postgresqlPatterns,
  powerOf,
  readList,
  wordOperators,
} from './operators.ts'

import type { ValueTerm } from './query-tree.ts'
import { readInList, readOperand, readType } from './read-operand.ts'

/**
 * Reads an expression by the operators' precedence (Pratt, "Top down operator precedence", 1973), up to the
 * first token that cannot continue it.
 */
export function readExpression(cursor: SqlCursor, scope: BlockScope, power: number = OR): Expression {
  return new ExpressionReader(cursor, scope).read(power)
}

export function readExpressions(cursor: SqlCursor, scope: BlockScope): Expression[] {
  return readList(new ExpressionReader(cursor, scope))
}

/** Reads a subscript after a column: `[1]`, `[1:2]`. */
export function readSubscript(cursor: SqlCursor, scope: BlockScope): void {
  const reader = new ExpressionReader(cursor, scope)
  cursor.expectSymbol('[')
  while (!cursor.takeSymbol(']')) if (!cursor.takeSymbol(':')) reader.read(OR)
}

class ExpressionReader implements ExpressionSource {
  constructor(
    readonly cursor: SqlCursor,
    readonly scope: BlockScope,
  ) {}

  read(power: number): Expression {
    const { cursor } = this
    cursor.enter()
    let left = this.#prefix()
    let comparisons = 0
    for (;;) {
      const postfix = this.#postfix(left)
      if (postfix !== undefined) {
        left = postfix
        continue
      }
      const word = cursor.token()?.kind === 'word'
      const operator = word ? undefined : operatorAt(cursor)
      const binds = word
        ? this.#wordPower()
        : operator === undefined
          ? 0
          : powerOf(operator.text, cursor.dialect)
      if (binds === 0 || binds < power) break
      const isComparison = binds >= IS && binds <= MATCH
      // `a = b = c` compares a boolean with c: this is not a condition on a column.
      const isChained = isComparison && comparisons > 0
      if (isComparison) comparisons++
      const start: Expression = isChained
        ? { kind: 'other', parts: [], start: left.start, end: left.end }
        : left
      const found = operator === undefined ? this.#word(start, binds) : this.#symbol(start, operator, binds)
      left = isChained ? join(left, found) : found
    }
    cursor.leave()
    return left
  }

  #wordPower(): number {
    const { cursor } = this
    const word = cursor.word()
    const binds = wordOperators.get(word)
    if (binds === undefined || dialectsOfWord[word]?.includes(cursor.dialect) === false) return 0
    if (word === 'NOT') {
      const next = cursor.word(1)
      if (next === 'NULL') return cursor.dialect === 'sqlite' ? IS : 0
      return next !== 'NOT' && wordOperators.get(next) === MATCH ? MATCH : 0
    }
    if (word === 'OPERATOR') return cursor.isSymbol('(', 1) ? OTHER : 0
    return binds
  }

  #prefix(): Expression {
    const { cursor } = this
    const start = cursor.position
    if (cursor.takeWord('NOT')) {
      const of = this.read(NOT)
      return { kind: 'not', of, start, end: cursor.position }
    }
    const operator = cursor.token()?.kind === 'symbol' ? operatorAt(cursor) : undefined
    if (operator === undefined) return readOperand(this)
    const { text } = operator
    // Each sign is a separate operator here: `- - 1`, `-+1`.
    const sign = text.charAt(0)
    cursor.position += sign === '-' || sign === '+' ? 1 : operator.tokens
    if (sign === '!' && text === '!' && cursor.dialect === 'mysql') {
      const of = this.read(OTHER)
      return { kind: 'not', of, start, end: cursor.position }
    }
    if (!'-+~@|!'.includes(sign)) cursor.fail('expression expected')
    const of = this.read(OTHER + 1)
    if ((sign === '-' || sign === '+') && of.kind === 'value' && of.term.kind === 'literal')
      return {
        kind: 'value',
        term: { kind: 'literal', text: `${sign}${of.term.text}` },
        start,
        end: cursor.position,
      }
    return { kind: 'other', parts: [of], start, end: cursor.position }
  }

  /** The postfix operators, which have the highest precedence. */
  #postfix(left: Expression): Expression | undefined {
    const { cursor } = this
    const { start } = left
    const next = cursor.token()
    if (
      next === undefined ||
      !(next.kind === 'symbol' ? postfixSymbols : postfixWords).has(
        next.kind === 'symbol' ? next.text : next.upper,
      )
    )
      return undefined
    if (cursor.isSymbol('::')) {
      cursor.position++
      const type = readType(cursor)
      return isJoined(left)
        ? extended(left, cursor.position)
        : { kind: 'cast', of: left, type, start, end: cursor.position }
    }
    if (cursor.isWord('COLLATE')) {
      cursor.position++
      const collation = cursor.dottedName().at(-1) ?? ''
      return isJoined(left)
        ? extended(left, cursor.position)
        : { kind: 'collate', of: left, collation, start, end: cursor.position }
    }
    if (cursor.isSymbol('[')) return this.#subscript(left)
    if (cursor.isSymbol('.') && left.end === cursor.position && cursor.isSymbol(')', -1)) {
      cursor.position++
      if (!cursor.takeSymbol('*')) cursor.name()
      return extended(left, cursor.position)
    }
    if (cursor.dialect === 'postgresql' && cursor.takeWords('AT', 'TIME', 'ZONE'))
      return join(left, this.read(OTHER + 1))
    return undefined
  }

  #subscript(left: Expression): Expression {
    const { cursor } = this
    cursor.position++
    let found = extended(left, cursor.position)
    while (!cursor.isSymbol(']')) {
      if (cursor.takeSymbol(':')) continue
      found = join(found, this.read(OR))
    }
    cursor.position++
    return extended(found, cursor.position)
  }

  #symbol(
    left: Expression,
    { text, tokens }: { readonly text: string; readonly tokens: number },
    binds: number,
  ): Expression {
    const { cursor } = this
    cursor.position += tokens
    if (binds === OR || binds === AND) {
      const right = this.read(binds + 1)
      return text === ':=' ? join(left, right) : chain(binds === OR ? 'or' : 'and', left, right)
    }
    const pattern = postgresqlPatterns[text]
    if (pattern !== undefined && cursor.dialect === 'postgresql')
      return this.#pattern(left, pattern.operator, pattern.negated)
    if (binds === COMPARISON) return this.#comparison(left, text)
    const right = this.read(OTHER + 1)
    return text === '||' ? chain('concatenation', left, right) : join(left, right)
  }

  #comparison(left: Expression, operator: string): Expression {
    const { cursor } = this
    const quantifier = cursor.isSymbol('(', 1) ? quantifiers[cursor.word()] : undefined
    if (quantifier !== undefined) cursor.position++
    const right = this.read(cursor.dialect === 'postgresql' ? MATCH : OTHER)
    return {
      kind: 'compare',
      operator,
      left,
      right,
      ...(quantifier === undefined ? {} : { quantifier }),
      start: left.start,
      end: cursor.position,
    }
  }

  #word(left: Expression, binds: number): Expression {
    const { cursor } = this
    const { start } = left
    const word = cursor.word()
    if (word === 'OR' || word === 'AND') {
      cursor.position++
      return chain(word === 'OR' ? 'or' : 'and', left, this.read(binds + 1))
    }
    if (word === 'ISNULL' || word === 'NOTNULL') {
      cursor.position++
      return {
        kind: 'test',
        of: left,
        test: 'NULL',
        negated: word === 'NOTNULL',
        start,
        end: cursor.position,
      }
    }
    if (cursor.takeWords('NOT', 'NULL'))
      return { kind: 'test', of: left, test: 'NULL', negated: true, start, end: cursor.position }
    if (word === 'IS') return this.#is(left)
    const negated = cursor.takeWord('NOT')
    const operator = cursor.word()
    cursor.position++
    if (operator === 'BETWEEN') return this.#between(left, negated)
    if (operator === 'IN') return this.#in(left, negated)
    const pattern = patternOperators[operator]
    if (pattern !== undefined) return this.#pattern(left, pattern, negated)
    if (operator === 'SIMILAR') cursor.expectWord('TO')
    else if (operator === 'SOUNDS') cursor.expectWord('LIKE')
    else if (operator === 'MEMBER') cursor.expectWord('OF')
    else if (operator === 'OPERATOR') cursor.skipParentheses()
    else if (operator === 'REGEXP' || operator === 'RLIKE' || operator === 'SIMILAR')
      return this.#pattern(left, 'other', negated)
    return join(left, this.read(binds + 1))
  }

  #between(of: Expression, negated: boolean): Expression {
    const { cursor } = this
    const isSymmetric = cursor.takeWord('SYMMETRIC')
    const low = this.read(OTHER)
    cursor.expectWord('AND')
    const high = this.read(OTHER)
    if (isSymmetric) return { kind: 'other', parts: [of, low, high], start: of.start, end: cursor.position }
    return { kind: 'between', of, low, high, negated, start: of.start, end: cursor.position }
  }

  #in(of: Expression, negated: boolean): Expression {
    const { cursor } = this
    const { start } = of
    // SQLite also accepts the name of a table, and drivers a bound list.
    if (!cursor.isSymbol('(')) {
      if (cursor.dialect === 'sqlite' && cursor.isName()) return this.#inTable(of)
      const part = this.read(OTHER)
      if (part.kind !== 'value' || part.term.kind !== 'parameter')
        return cursor.fail('list expected after IN')
      const term: ValueTerm = { ...part.term, isArray: true }
      return {
        kind: 'in',
        of,
        parts: [{ kind: 'value', term, start: part.start, end: part.end }],
        negated,
        start,
        end: cursor.position,
      }
    }
    const parts = readInList(this)
    return { kind: 'in', of, parts, negated, start, end: cursor.position }
  }

  /** SQLite: `x IN name` reads the table, `x IN name(…)` calls a function. */
  #inTable(of: Expression): Expression {
    const { cursor, scope } = this
    cursor.leaveOut('list expected after IN')
    const block = cursor.read.table(cursor, scope)
    return {
      kind: 'other',
      parts: [of, { kind: 'query', block, start: block.start, end: block.end }],
      start: of.start,
      end: cursor.position,
    }
  }

  #pattern(
    of: Expression,
    operator: 'like' | 'ilike' | 'glob' | 'match' | 'other',
    negated: boolean,
  ): Expression {
    const { cursor } = this
    const { start } = of
    const isQuantified = cursor.isSymbol('(', 1) && quantifiers[cursor.word()] !== undefined
    if (isQuantified) cursor.position++
    const pattern = this.read(OTHER)
    if (cursor.takeWord('ESCAPE')) {
      const escaping = this.read(OTHER)
      return { kind: 'match', operator, of, pattern, negated, start, end: escaping.end }
    }
    return {
      kind: 'match',
      operator: isQuantified ? 'other' : operator,
      of,
      pattern,
      negated,
      start,
      end: cursor.position,
    }
  }

  #is(of: Expression): Expression {
    const { cursor } = this
    const { start } = of
    cursor.expectWord('IS')
    const negated = cursor.takeWord('NOT')
    const word = cursor.word()
    if (word === 'NULL' || word === 'TRUE' || word === 'FALSE') {
      cursor.position++
      return { kind: 'test', of, test: word, negated, start, end: cursor.position }
    }
    if (cursor.takeWords('DISTINCT', 'FROM')) return this.#nullSafe(of, !negated)
    if (cursor.dialect === 'sqlite') return this.#nullSafe(of, negated)
    if (word !== 'UNKNOWN' && word !== 'JSON' && word !== 'DOCUMENT' && word !== 'NORMALIZED')
      cursor.fail('NULL expected')
    cursor.position++
    if (word === 'JSON') cursor.takeAny(jsonKinds)
    return { kind: 'other', parts: [of], start, end: cursor.position }
  }

  #nullSafe(left: Expression, negated: boolean): Expression {
    const right = this.read(MATCH)
    return {
      kind: 'compare',
      operator: negated ? 'is not' : 'is',
      left,
      right,
      start: left.start,
      end: this.cursor.position,
    }
  }
}

const postfixSymbols: ReadonlySet<string> = new Set(['::', '[', '.'])
const postfixWords: ReadonlySet<string> = new Set(['COLLATE', 'AT'])
const quantifiers: Readonly<Record<string, 'any' | 'all'>> = { ANY: 'any', SOME: 'any', ALL: 'all' }
const jsonKinds: ReadonlySet<string> = new Set(['OBJECT', 'ARRAY', 'SCALAR', 'VALUE'])

/** Expressions of a chain are stored flat, so that a long chain is not deeply nested. */
function chain(kind: 'and' | 'or' | 'concatenation', left: Expression, right: Expression): Expression {
  if (left.kind !== kind) return { kind, parts: [left, right], start: left.start, end: right.end }
  left.parts.push(right)
  return { ...left, end: right.end }
}

function join(left: Expression, ...right: readonly Expression[]): Expression {
  const end = right.at(-1)?.end ?? left.end
  if (left.kind !== 'other') return { kind: 'other', parts: [left, ...right], start: left.start, end }
  left.parts.push(...right)
  return { ...left, end }
}

function isJoined({ kind }: Expression): boolean {
  return kind === 'other' || kind === 'cast' || kind === 'collate'
}

/** An expression of which only its parts are known. */
function extended(left: Expression, end: number): Expression {
  return { ...join(left), end }
}
