import { analyzeSql } from '../../sql/analyze.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { outlineOf } from '../../sql/outline.ts'
import { tokenize } from '../../sql/tokenize.ts'
import { mergeByKey } from './batch-query.ts'

/** How to ask once what a text asks by one key; `undefined` where that cannot be told. */
export function fixFor(sql: string, dialect: Dialect): string | undefined {
  try {
    const [block] = outlineOf(sql, dialect).blocks
    if (block?.where.some(({ operator }) => operator === 'in') === true) return 'already batched'
    const placeholders = tokenize(sql, dialect).filter(({ kind }) => kind === 'parameter')
    const parameters = Array.from(
      { length: Math.max(0, ...placeholders.map(({ text }, at) => Number(text.slice(1)) || at + 1)) },
      () => null,
    )
    const { query } = mergeByKey([{ sql, parameters }], dialect, () => false)
    return analyzeSql(query, dialect).shape
  } catch {
    // What cannot be merged by key has no fix that could be written down.
    return undefined
  }
}
