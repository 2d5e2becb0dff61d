import type { ParamRule, ParamRules } from './params.ts'

/** All pages in the order of the navigation, with the key after `g`. */
export const pages = [
  { name: 'now', title: 'Now', key: 'n' },
  { name: 'requests', title: 'Requests', key: 'r' },
  { name: 'findings', title: 'Findings', key: 'f' },
  { name: 'queries', title: 'Queries', key: 'q' },
  { name: 'cache', title: 'Cache', key: 'c' },
  { name: 'nodes', title: 'Nodes', key: 'o' },
  { name: 'jobs', title: 'Jobs', key: 'j' },
  { name: 'metrics', title: 'Metrics', key: 'm' },
  { name: 'alerts', title: 'Alerts & scaling', key: 'a' },
] as const

export type PageName = (typeof pages)[number]['name']

export function isPageName(text: string): text is PageName {
  return pages.some(({ name }) => name === text)
}

export type RulesOfPages = Readonly<Record<PageName, ParamRules>>

const text: ParamRule = { kind: 'text', maxLength: 100 }
const id: ParamRule = { kind: 'text', maxLength: 300 }
const choice = (of: readonly string[], first: string = of[0] ?? ''): ParamRule => ({
  kind: 'choice',
  of,
  default: first,
})
const direction = choice(['down', 'up'])

/** The parameters of each page in the URL. */
export const pageRules: RulesOfPages = {
  now: {},
  requests: {
    view: choice(['routes', 'latest']),
    q: text,
    show: choice(['all', 'flagged', 'errors']),
    sort: choice(
      ['name', 'requests', 'perSecond', 'queries', 'databaseMs', 'repeats', 'cacheShare', 'p95'],
      'databaseMs',
    ),
    order: direction,
    open: id,
    row: { kind: 'number', min: 0, max: 10_000, default: -1 },
  },
  findings: {
    q: text,
    code: choice(['all', 'N_PLUS_ONE', 'REPEATED_QUERY', 'QUERY_BUDGET']),
    muted: choice(['hide', 'show']),
    open: id,
  },
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
    table: choice(['hide', 'show']),
  },
  alerts: { show: choice(['all', 'alerts', 'scaling']), open: id },
}
