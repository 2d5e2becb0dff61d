import type { Range } from '../../sql/token-map.ts'
import type { QueryTree } from '../../sql/tree/query-tree.ts'

/** A LIMIT of one value, or LIMIT and OFFSET, at the end of the statement. */
export interface Limit {
  readonly range: Range
  /** `undefined` for a parameter. */
  readonly value: number | undefined
  readonly place: number | undefined
  readonly hasOffset: boolean
}

/** Returns the limit; `null` if there is none, and `undefined` if it has another form. */
export function limitOf({ root, tokens, places }: QueryTree): Limit | null | undefined {
  const range = root.clauses.limit
  const { limit, offset } = root
  if (limit === undefined && range === undefined) return null
  if (limit === undefined || range === undefined) return undefined
  const hasOffset = offset !== undefined
  const isSimple =
    tokens[range.start]?.upper === 'LIMIT' &&
    range.end - range.start === (hasOffset ? 4 : 2) &&
    (!hasOffset || tokens[range.start + 2]?.upper === 'OFFSET') &&
    range.end === tokens.length
  if (!isSimple) return undefined
  if (limit.kind === 'literal')
    return /^[1-9]\d{0,9}$/.test(limit.text)
      ? { range, value: Number(limit.text), place: undefined, hasOffset }
      : undefined
  const isOnce =
    limit.kind === 'parameter' && [...places.values()].filter((place) => place === limit.place).length === 1
  return isOnce ? { range, value: undefined, place: limit.place, hasOffset } : undefined
}
