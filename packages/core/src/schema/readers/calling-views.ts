import type { Dialect } from '../../sql/dialect.ts'
import { readStatement } from '../../sql/statement.ts'

/** A view, by a key of its own, with the query that it stands for; `undefined` where that may not be seen. */
export interface ViewText {
  readonly key: string
  readonly query: string | undefined
}

/**
 * The views whose query calls a function that is not the database's own, or reads such a view: a read of them may write.
 *
 * @param keyOf - The key of the view that a name in a query stands for.
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
