import type { Token } from '../../sql/tokenize.ts'

const CHANGING = new Set([
  'GROUP',
  'DISTINCT',
  'LIMIT',
  'FETCH',
  'UNION',
  'INTERSECT',
  'EXCEPT',
  'HAVING',
  'SQL_CALC_FOUND_ROWS',
])
const AGGREGATES = new Set([
  ...['COUNT', 'SUM', 'MIN', 'MAX', 'AVG', 'GROUP_CONCAT', 'JSON_ARRAYAGG', 'JSON_OBJECTAGG'],
  ...['BIT_AND', 'BIT_OR', 'BIT_XOR', 'STD', 'STDDEV', 'VARIANCE', 'ANY_VALUE'],
])

/** Whether a statement returns all rows of its tables: it does not group, limit or combine rows. */
export function isListing(tokens: readonly Token[]): boolean {
  return tokens.every((token, at) => {
    if (token.kind !== 'word') return true
    return !CHANGING.has(token.upper) && !(AGGREGATES.has(token.upper) && tokens[at + 1]?.text === '(')
  })
}
