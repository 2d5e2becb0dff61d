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

function isPageName(text: string): text is PageName {
  return pages.some(({ name }) => name === text)
}

type RulesOfPages = Readonly<Record<PageName, ParamRules>>

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

/** Parameters of a page in the URL. Each has a rule, and values that violate it are dropped. */
type ParamRule =
  | { readonly kind: 'choice'; readonly of: readonly string[]; readonly default: string }
  | { readonly kind: 'text'; readonly maxLength: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly default: number }

export type ParamRules = Readonly<Record<string, ParamRule>>
type Params = Readonly<Record<string, string>>

/**
 * Returns the valid value; `undefined` for an invalid value, and for the default, which is omitted from the
 * URL.
 */
function allowedValue(rule: ParamRule, value: string): string | undefined {
  switch (rule.kind) {
    case 'choice':
      return rule.of.includes(value) && value !== rule.default ? value : undefined
    case 'text': {
      const text = value.replaceAll(/\p{Cc}/gu, '').slice(0, rule.maxLength)
      return text.trim() === '' ? undefined : text
    }
    case 'number': {
      if (!/^\d{1,15}$/.test(value)) return undefined
      const number = Number(value)
      return number >= rule.min && number <= rule.max && number !== rule.default ? String(number) : undefined
    }
  }
}

/** Returns the valid parameters in the order of the rules, so that equal views have equal URLs. */
export function allowedParams(rules: ParamRules, entries: Iterable<readonly [string, string]>): Params {
  const first = new Map<string, string>()
  for (const [name, value] of entries) if (!first.has(name)) first.set(name, value)
  const result: Record<string, string> = {}
  for (const [name, rule] of Object.entries(rules)) {
    const value = first.get(name)
    const allowed = value === undefined ? undefined : allowedValue(rule, value)
    if (allowed !== undefined) result[name] = allowed
  }
  return result
}

/** Returns the value of a parameter, or its default; `''` for text without a value. */
export function paramOf(rules: ParamRules, params: Params, name: string): string {
  const rule = rules[name]
  if (rule === undefined) return ''
  const value = params[name]
  if (value !== undefined) return value
  return 'default' in rule ? String(rule.default) : ''
}

/** A location in the dashboard: a page, the ID of a request, and the parameters of the view. */
export interface PagePlace {
  readonly page: PageName
  readonly id: string | undefined
  readonly params: Params
}

const MAX_ADDRESS = 2_000

/** Parses the fragment of the URL. Invalid parts are replaced by defaults. */
export function parsePlace(fragment: string, rules: RulesOfPages): PagePlace {
  const text = fragment.replace(/^#?\/?/, '').slice(0, MAX_ADDRESS)
  const [path = '', search = ''] = splitOnce(text, '?')
  const [first = '', second = ''] = splitOnce(path, '/')
  const page: PageName = isPageName(first) ? first : 'now'
  const id = page === 'requests' && second !== '' ? decoded(second) : undefined
  const isKnown = isPageName(first) || first === ''
  return {
    page,
    id: id !== undefined && /^[\w-]{1,64}$/.test(id) ? id : undefined,
    params: isKnown ? allowedParams(rules[page], new URLSearchParams(search)) : {},
  }
}

/** Returns the fragment of a location, with `#`. */
export function formatPlace({ page, id, params }: PagePlace): string {
  const search = new URLSearchParams(params).toString()
  return `#/${page}${id === undefined ? '' : `/${encodeURIComponent(id)}`}${search === '' ? '' : `?${search}`}`
}

function splitOnce(text: string, by: string): [string, string] {
  const at = text.indexOf(by)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + by.length)]
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
