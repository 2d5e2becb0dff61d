import type { Dialect } from '../../sql/dialect.ts'
import { readStatement } from '../../sql/statement.ts'

/** A view, identified by a key, with its query; `undefined` if the query is not visible. */
export interface ViewText {
  readonly key: string
  readonly query: string | undefined
}

/**
 * The views whose query calls a function that is not built into the database, or reads such a view: a read of
 * them can write.
 *
 * @param keyOf - The key of the view to which a name in a query refers.
 */
export function callingViews(
  views: readonly ViewText[],
  dialect: Dialect,
  keyOf: (name: readonly string[]) => string,
): ReadonlySet<string> {
  const calling = new Set<string>()
  const read = new Map<string, readonly string[]>()
  for (const { key, query } of views) {
    const { opaque, functions, reads } = readStatement(query ?? '', dialect)
    if (query === undefined || opaque !== undefined || functions.size > 0) calling.add(key)
    else read.set(key, reads.map(keyOf))
  }
  for (let isGrowing = true; isGrowing; ) {
    isGrowing = false
    for (const [key, reads] of read) {
      if (calling.has(key) || !reads.some((other) => calling.has(other))) continue
      calling.add(key)
      isGrowing = true
    }
  }
  return calling
}
