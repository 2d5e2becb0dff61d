import type { ParamRule } from './params.ts'
import type { RulesOfPages } from './place.ts'

const text: ParamRule = { kind: 'text', maxLength: 100 }
const id: ParamRule = { kind: 'text', maxLength: 300 }
const choice = (of: readonly string[], first: string = of[0] ?? ''): ParamRule => ({ kind: 'choice', of, default: first })
const direction = choice(['down', 'up'])

/** What each page keeps in its address. */
export const pageRules: RulesOfPages = {
  now: {},
  requests: {
    view: choice(['routes', 'latest']),
    q: text,
    show: choice(['all', 'flagged', 'errors']),
    sort: choice(['name', 'requests', 'perSecond', 'queries', 'databaseMs', 'repeats', 'cacheShare', 'p95'], 'databaseMs'),
    order: direction,
    open: id,
    row: { kind: 'number', min: 0, max: 10_000, default: -1 },
  },
  findings: { q: text, code: choice(['all', 'N_PLUS_ONE', 'REPEATED_QUERY', 'QUERY_BUDGET']), muted: choice(['hide', 'show']), open: id },
  queries: {
    q: text,
    kind: choice(['all', 'read', 'write']),
    sort: choice(['sql', 'calls', 'avgMs', 'p95Ms', 'maxMs', 'totalMs'], 'totalMs'),
    order: direction,
    open: id,
  },
  cache: {},
  nodes: { open: id },
  jobs: { queue: id, open: id },
  metrics: {
    metric: { kind: 'text', maxLength: 100 },
    minutes: { kind: 'number', min: 1, max: 1_440, default: 30 },
    ahead: { kind: 'number', min: 1, max: 60, default: 15 },
    table: choice(['hide', 'show']),
  },
  alerts: { show: choice(['all', 'alerts', 'scaling']), open: id },
}
