import type { IndexKey } from './index-definition.ts'

/** How many of the keys of one index another begins with, in the same order or, as an index is read from either end, all the other way round. */
export function sharedKeys(keys: readonly IndexKey[], others: readonly IndexKey[]): number {
  return Math.max(count(keys, others), count(keys.map(turned), others))
}

function count(keys: readonly IndexKey[], others: readonly IndexKey[]): number {
  const different = keys.findIndex((key, at) => !isSameKey(key, others[at]))
  return different === -1 ? keys.length : different
}

function isSameKey(a: IndexKey, b: IndexKey | undefined): boolean {
  return (
    b !== undefined &&
    a.column === b.column &&
    plainSql(a.expression) === plainSql(b.expression) &&
    (a.isDescending ?? false) === (b.isDescending ?? false) &&
    a.nulls === b.nulls &&
    a.operatorClass === b.operatorClass &&
    a.collation?.toLowerCase() === b.collation?.toLowerCase() &&
    a.prefixLength === b.prefixLength
  )
}

/** A key as it is read from the end: what came first comes last. */
function turned({ nulls, ...key }: IndexKey): IndexKey {
  const isDescending = key.isDescending !== true
  return nulls === undefined ? { ...key, isDescending } : { ...key, isDescending, nulls: nulls === 'first' ? 'last' : 'first' }
}

/**
 * An expression, or a condition, without what databases add and leave out as they like: `lower(name)`, `(lower((name)::text))`, `LOWER( "name" )`. Texts within it,
 * other casts, and parentheses around more than a name stay, since what differs in them is another expression.
 */
export function plainSql(expression: string | undefined): string | undefined {
  if (expression === undefined) return undefined
  const parts = expression.split(/('(?:[^']|'')*')/)
  let text = parts.map((part, at) => (at % 2 === 1 ? part : plainCode(part))).join('')
  while (isEnclosed(text)) text = text.slice(1, -1)
  return text
}

function plainCode(code: string): string {
  return code
    .toLowerCase()
    .replace(/["`]/g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([^\w ]) ?/g, '$1')
    .replace(/::(text|character varying|varchar)\b(?!\()/g, '')
    .replace(/(?<!\w)\((\w+)\)/g, '$1')
}

/** Whether the parenthesis that is opened first is the one that is closed last. */
function isEnclosed(text: string): boolean {
  if (!text.startsWith('(')) return false
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1
    else if (text[at] === ')') depth -= 1
    if (depth === 0) return at === text.length - 1
  }
  return false
}
