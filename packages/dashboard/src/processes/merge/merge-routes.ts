import type { RouteFigures } from '../../recorder/route-figures.ts'
import { grouped } from './sums.ts'

/** Figures of the same names together, those that were heard of last first. */
export function mergeRoutes(all: readonly RouteFigures[]): RouteFigures[] {
  const merged = [...grouped(all, ({ name }) => name).values()].map(mergeRoute)
  return merged.sort((a, b) => b.lastAt - a.lastAt)
}

function mergeRoute(all: readonly [RouteFigures, ...RouteFigures[]]): RouteFigures {
  const [first, ...others] = all
  if (others.length === 0) return first
  const sum = (of: (figures: RouteFigures) => number) => all.reduce((total, figures) => total + of(figures), 0)
  const newestFirst = [...all].sort((a, b) => b.lastAt - a.lastAt)
  const newest = (of: (figures: RouteFigures) => string | null) => newestFirst.map(of).find((id) => id !== null) ?? null
  return {
    name: first.name,
    requests: sum(({ requests }) => requests),
    errors: sum(({ errors }) => errors),
    perSecond: sum(({ perSecond }) => perSecond),
    sample: sum(({ sample }) => sample),
    queries: sum(({ queries }) => queries),
    databaseMs: sum(({ databaseMs }) => databaseMs),
    repeats: sum(({ repeats }) => repeats),
    reads: sum(({ reads }) => reads),
    spared: sum(({ spared }) => spared),
    cached: sum(({ cached }) => cached),
    overBudget: sum(({ overBudget }) => overBudget),
    durations: all.flatMap(({ durations }) => durations).sort((a, b) => a - b),
    flags: [...new Set(all.flatMap(({ flags }) => flags))],
    budget: all.find(({ budget }) => budget !== null)?.budget ?? null,
    lastAt: Math.max(...all.map(({ lastAt }) => lastAt)),
    newest: newest(({ newest }) => newest),
    newestFlagged: newest(({ newestFlagged }) => newestFlagged),
  }
}
