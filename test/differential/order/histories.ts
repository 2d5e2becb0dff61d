import { KEYS } from './order-program.ts'
import type { Event } from './run-order.ts'

/**
 * Whether some order of the statements explains every result, in which a statement comes after each that had
 * ended before it was called. That is what a client with several connections promises.
 */
export function isExplained(events: readonly Event[], before: ReadonlyMap<number, number>): boolean {
  const pending = new Set(events)
  const values = new Map(before)
  const search = (): boolean => {
    if (pending.size === 0) return true
    const earliestEnd = Math.min(...[...pending].map(({ to }) => to))
    for (const event of [...pending]) {
      if (event.from > earliestEnd) continue
      const undo = new Map(values)
      if (!apply(event, values)) continue
      pending.delete(event)
      if (search()) return true
      pending.add(event)
      for (const [key, value] of undo) values.set(key, value)
    }
    return false
  }
  return search()
}

/** Applies a statement; `false` if its result is different. */
function apply(
  { statement, result }: Pick<Event, 'statement' | 'result'>,
  values: Map<number, number>,
): boolean {
  switch (statement.kind) {
    case 'read':
      return values.get(statement.key) === result
    case 'list':
      return JSON.stringify(KEYS.map((key) => values.get(key))) === JSON.stringify(result)
    case 'write':
      values.set(statement.key, statement.value)
      return true
    case 'add':
      values.set(statement.key, (values.get(statement.key) ?? 0) + 1)
      return true
    case 'commit':
      for (const write of statement.writes) apply({ statement: write, result: null }, values)
      return true
  }
}
