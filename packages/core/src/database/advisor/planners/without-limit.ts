import type { Dialect } from '../../../sql/dialect.ts'
import { tokenize } from '../../../sql/tokenize.ts'

/**
 * Removes LIMIT and OFFSET from the end of a statement, for the cost of finding all rows. Without them, the
 * statement is returned unchanged.
 *
 * @throws SqlSyntaxError if the SQL cannot be tokenized.
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
