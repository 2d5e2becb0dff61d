import type { Style } from '../report/palette.ts'
import type { RouteFigures } from './live-model.ts'

export interface Flag {
  readonly text: string
  readonly style: Style
}

const CODES: Readonly<Record<string, Flag>> = {
  N_PLUS_ONE: { text: 'N+1', style: 'red' },
  REPEATED_QUERY: { text: 'REPEAT', style: 'yellow' },
  QUERY_BUDGET: { text: 'BUDGET', style: 'yellow' },
}

/**
 * What is wrong with a route, the gravest first.
 *
 * @param slowMs - A p99 from which it is slow.
 */
export function flagsOf(route: RouteFigures, slowMs: number): readonly Flag[] {
  const { flags, errorShare = 0, p99, overBudget } = route
  const found: Flag[] = []
  if (errorShare > 0) found.push({ text: 'ERR', style: 'red' })
  if (flags.includes('N_PLUS_ONE')) found.push(CODES.N_PLUS_ONE as Flag)
  if (p99 >= slowMs) found.push({ text: 'SLOW', style: 'yellow' })
  if (flags.includes('QUERY_BUDGET') || overBudget > 0) found.push(CODES.QUERY_BUDGET as Flag)
  if (flags.includes('REPEATED_QUERY')) found.push(CODES.REPEATED_QUERY as Flag)
  return found
}
