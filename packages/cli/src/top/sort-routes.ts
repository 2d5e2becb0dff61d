import type { RouteFigures } from './live-model.ts'

/** What a table is sorted by. */
export const SORTS = ['cost', 'rate', 'queries', 'database', 'p99'] as const
export type Sort = (typeof SORTS)[number]

const VALUES: Readonly<Record<Sort, (route: RouteFigures) => number>> = {
  cost: ({ load }) => load,
  rate: ({ perSecond }) => perSecond,
  queries: ({ queries }) => queries,
  database: ({ databaseMs }) => databaseMs,
  p99: ({ p99 }) => p99,
}

/** The most first; of those that are equal, those that took most of the database, then by name, so that rows stay where they are. */
export function sortRoutes(routes: readonly RouteFigures[], sort: Sort, isReversed = false): RouteFigures[] {
  const value = VALUES[sort]
  const sorted = [...routes].sort((a, b) => {
    const difference = (value(b) - value(a)) * (isReversed ? -1 : 1)
    return difference || b.databaseMs * b.sample - a.databaseMs * a.sample || (a.name < b.name ? -1 : 1)
  })
  return sorted
}

/** Those whose name has a text in it, in any case. */
export function filterRoutes(routes: readonly RouteFigures[], text: string): readonly RouteFigures[] {
  const wanted = text.trim().toLowerCase()
  return wanted === '' ? routes : routes.filter(({ name }) => name.toLowerCase().includes(wanted))
}
