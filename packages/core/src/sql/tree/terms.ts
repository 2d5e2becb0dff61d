import { columnsOf, type Expression } from './expression.ts'
import type { ColumnName, ColumnTerm, ValueTerm } from './query-tree.ts'

const EXPRESSION: ValueTerm = { kind: 'expression' }

/** An expression as a column, bare or within what an index can be made for. */
export function columnTerm(expression: Expression): ColumnTerm | undefined {
  switch (expression.kind) {
    case 'column':
      return expression.name
    case 'call': {
      const { name, parts } = expression
      const [only] = parts
      if ((name !== 'lower' && name !== 'upper') || parts.length !== 1 || only === undefined) return undefined
      const column = columnTerm(only)
      return column === undefined || column.call !== undefined || column.collation !== undefined ? undefined : { ...column, call: name }
    }
    case 'cast': {
      const column = columnTerm(expression.of)
      return column === undefined || column.call !== undefined || column.cast !== undefined
        ? undefined
        : { ...column, cast: expression.type }
    }
    case 'collate': {
      const column = columnTerm(expression.of)
      return column === undefined || column.collation !== undefined ? undefined : { ...column, collation: expression.collation }
    }
    default:
      return undefined
  }
}

export function isBare({ call, cast, collation }: ColumnTerm): boolean {
  return call === undefined && cast === undefined && collation === undefined
}

/** An expression as a value: a bound one, a literal, or one that is known only when it runs. */
export function valueTerm(expression: Expression): ValueTerm {
  switch (expression.kind) {
    case 'value':
      return expression.term
    case 'cast':
    case 'collate':
      return valueTerm(expression.of)
    case 'concatenation':
      return patternTerm(expression.parts)
    case 'call': {
      if (expression.name === 'concat') return patternTerm(expression.parts)
      const [only] = expression.parts
      if ((expression.name !== 'lower' && expression.name !== 'upper') || expression.parts.length !== 1 || only === undefined)
        return EXPRESSION
      const term = valueTerm(only)
      return term.kind === 'parameter' ? term : EXPRESSION
    }
    default:
      return EXPRESSION
  }
}

/** One bound value between strings; anything else is an expression. */
function patternTerm(parts: readonly Expression[]): ValueTerm {
  const terms = parts.map(valueTerm)
  const at = terms.findIndex(({ kind }) => kind === 'parameter')
  const bound = terms[at]
  const texts = terms.map((term) => (term.kind === 'literal' ? stringText(term.text) : undefined))
  if (bound?.kind !== 'parameter' || texts.some((text, place) => place !== at && text === undefined)) return EXPRESSION
  return { kind: 'pattern', place: bound.place, before: texts.slice(0, at).join(''), after: texts.slice(at + 1).join('') }
}

/** What a plain string says; `undefined` of a number, or where escapes may be in it. */
function stringText(literal: string): string | undefined {
  return /^'(?:[^'\\]|'')*'$/.test(literal) ? literal.slice(1, -1).replaceAll("''", "'") : undefined
}

/** What values are computed from, where it is columns. */
export function dependencies(...expressions: readonly Expression[]): { readonly dependsOn?: readonly ColumnName[] } {
  if (expressions.every(({ kind }) => kind === 'value')) return {}
  const dependsOn = expressions.flatMap(columnsOf)
  return dependsOn.length === 0 ? {} : { dependsOn }
}

export function isKnown(expression: Expression): boolean {
  return valueTerm(expression).kind !== 'expression'
}

/** The values of an array: of `ARRAY[…]` each, of a bound one the array itself. */
export function arrayTerms(expression: Expression): readonly ValueTerm[] {
  if (expression.kind === 'array') return expression.parts.map(valueTerm)
  if (expression.kind === 'cast') return arrayTerms(expression.of)
  const term = valueTerm(expression)
  return [term.kind === 'parameter' ? { ...term, isArray: true } : EXPRESSION]
}
