import type { Dialect } from '../../../sql/dialect.ts'
import { tokenize } from '../../../sql/tokenize.ts'

/**
 * A statement without the LIMIT and OFFSET at its end: what it costs to find all of its rows. Where there are none, it is returned as it is.
 *
 * @throws SqlSyntaxError if the text cannot be split into tokens.
 */
export function withoutLimit(sql: string, dialect: Dialect): string {
  let depth = 0
  let cut: number | undefined
  for (const { kind, text, upper, start } of tokenize(sql, dialect)) {
    if (kind === 'symbol' && text === '(') depth += 1
    else if (kind === 'symbol' && text === ')') depth -= 1
    else if (depth > 0) continue
    else if (cut === undefined && (upper === 'LIMIT' || upper === 'OFFSET' || upper === 'FETCH')) cut = start
    else if (upper === 'FOR' || upper === 'UNION' || upper === 'EXCEPT' || upper === 'INTERSECT')
      return cut === undefined ? sql : `${sql.slice(0, cut)} ${sql.slice(start)}`
  }
  return cut === undefined ? sql : sql.slice(0, cut).trimEnd()
}
