import { analyzeSql } from '../../sql/analyze.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { outlineOf } from '../../sql/outline.ts'
import { tokenize } from '../../sql/tokenize.ts'
import { mergeByKey } from './batch-query.ts'

/** No database accepts more. */
const MAX_PARAMETERS = 65_535

/**
 * Returns one query that replaces executions of a statement with different keys; `undefined` if there is
 * none.
 */
export function fixFor(sql: string, dialect: Dialect): string | undefined {
  try {
    const [block] = outlineOf(sql, dialect).blocks
    if (block?.where.some(({ operator }) => operator === 'in') === true) return 'already batched'
    const placeholders = tokenize(sql, dialect).filter(({ kind }) => kind === 'parameter')
    const count = placeholders.reduce(
      (most, { text }, at) => Math.max(most, Number(text.slice(1)) || at + 1),
      0,
    )
    if (count > MAX_PARAMETERS) return undefined
    const parameters = Array.from({ length: count }, () => null)
    const { query } = mergeByKey([{ sql, parameters }], dialect, () => false)
    return analyzeSql(query, dialect).shape
  } catch {
    // A statement that cannot be merged by key has no fix.
    return undefined
  }
}
