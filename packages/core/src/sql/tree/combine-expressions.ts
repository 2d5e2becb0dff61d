import type { Expression } from './expression.ts'

/** Expressions of a chain are stored flat, so that a long chain is not deeply nested. */
export function chain(kind: 'and' | 'or' | 'concatenation', left: Expression, right: Expression): Expression {
  if (left.kind !== kind) return { kind, parts: [left, right], start: left.start, end: right.end }
  left.parts.push(right)
  return { ...left, end: right.end }
}

export function join(left: Expression, ...right: readonly Expression[]): Expression {
  const end = right.at(-1)?.end ?? left.end
  if (left.kind !== 'other') return { kind: 'other', parts: [left, ...right], start: left.start, end }
  left.parts.push(...right)
  return { ...left, end }
}

export function isJoined({ kind }: Expression): boolean {
  return kind === 'other' || kind === 'cast' || kind === 'collate'
}

/** An expression of which only its parts are known. */
export function extended(left: Expression, end: number): Expression {
  return { ...join(left), end }
}
