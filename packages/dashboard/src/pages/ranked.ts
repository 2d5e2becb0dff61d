import { type Alert, analyzeSql, type ServerNode, type Sluice } from '@sluice/core'
import type { QuerySeverity } from '@sluice/core/database'
import { type FindingImpact, outcomeOf } from '@sluice/core/siblings'
import type { FindingItem } from '../protocol/finding.ts'
import { metricTitle } from '../protocol/monitor.ts'
import type { RankedItem } from '../protocol/now.ts'
import type { JobFacts } from './job-facts.ts'

export const MAX_RANKED = 5
export const RANK = { high: 0, medium: 1, low: 2 } as const

/** A problem with the facts that are needed to merge it with that of other processes. */
export interface RankedFact extends RankedItem {
  /** For a finding, the savings of its fix. */
  readonly impact?: FindingImpact
}

/** Returns problems without the facts that change with every request. */
export function rankedItems(facts: readonly RankedFact[]): RankedItem[] {
  return facts.map(({ impact: _impact, ...item }) => item)
}

/** Current problems of all engines, worst first, at most 5. */
export function ranked(
  sluice: Sluice,
  findings: readonly FindingItem[],
  jobs: JobFacts,
  slow: readonly SlowStatement[],
): RankedFact[] {
  const items: RankedFact[] = [
    ...(sluice.monitor?.getActiveAlerts() ?? []).map(ofAlert),
    ...(sluice.balancer?.nodes ?? []).flatMap(ofNode),
    ...ofJobs(jobs),
    ...findings.filter(({ isMuted }) => !isMuted).map(ofFinding),
    ...slow.map(ofStatement),
  ]
  // Sorting is stable: within a severity, the order is alerts, nodes, jobs, findings.
  return items.sort((a, b) => RANK[a.severity] - RANK[b.severity]).slice(0, MAX_RANKED)
}

function ofAlert({ id, metric, source, severity, message, status }: Alert): RankedItem {
  return {
    key: `alert ${id}`,
    kind: 'alert',
    section: 'alerts',
    target: id,
    mutes: null,
    severity: severity === 'critical' ? 'high' : severity === 'warning' ? 'medium' : 'low',
    title: `${status === 'acknowledged' ? 'Acknowledged' : 'Alert'}: ${metricTitle(metric)}${source === '' ? '' : ` from ${source}`}`,
    detail: message,
  }
}

function ofNode({ id, status }: ServerNode): RankedItem[] {
  if (status === 'healthy' || status === 'maintenance') return []
  const severity = status === 'unhealthy' ? 'high' : 'medium'
  return [
    {
      key: `node ${id}`,
      kind: 'node',
      severity,
      title: `Node ${id}`,
      detail: status,
      section: 'nodes',
      target: id,
      mutes: null,
    },
  ]
}

function ofJobs({ queues }: JobFacts): RankedItem[] {
  return queues.flatMap(({ queue, deadLetters, health, reasons }) => {
    const place = { section: 'jobs', target: queue, mutes: null } as const
    const items: RankedItem[] = []
    if (deadLetters > 0)
      items.push({
        key: `dead ${queue}`,
        kind: 'dead-letters',
        ...place,
        title: `Queue ${queue}`,
        ...deadLetterWords(deadLetters),
      })
    if (health !== 'healthy')
      items.push({
        key: `queue ${queue}`,
        kind: 'queue',
        severity: health === 'unhealthy' ? 'high' : 'medium',
        ...place,
        title: `Queue ${queue} is ${health}`,
        detail: reasons[0] ?? '',
      })
    return items
  })
}

export function deadLetterWords(count: number): Pick<RankedItem, 'severity' | 'detail'> {
  return {
    severity: count >= 10 ? 'high' : 'medium',
    detail: `${count.toLocaleString('en-US')} dead letter${count === 1 ? '' : 's'}`,
  }
}

function ofFinding(finding: FindingItem): RankedFact {
  const { key, id, title, severity, impact } = finding
  return {
    key: `finding ${key}`,
    kind: 'finding',
    severity,
    title: `${title}  ${routesOf(finding)}`,
    detail: outcomeOf(finding, ' →'),
    section: 'findings',
    target: key,
    mutes: id,
    impact,
  }
}

/** The name of the scope with the largest savings, and the number of others. */
function routesOf({ scope, routes }: FindingItem): string {
  return routes.length > 1 ? `${scope} and ${routes.length - 1} more` : scope
}

function ofStatement({ fingerprint, label, calls, maxMs, severity }: SlowStatement): RankedItem {
  return {
    key: `statement ${fingerprint}`,
    kind: 'slow-query',
    section: 'queries',
    target: fingerprint,
    mutes: null,
    severity: severity === 'critical' || severity === 'high' ? 'high' : 'medium',
    title: `Slow  ${label.length > 80 ? `${label.slice(0, 79)}…` : label}`,
    detail: `Up to ${Math.round(maxMs).toLocaleString('en-US')} ms, ${calls.toLocaleString('en-US')} call${calls === 1 ? '' : 's'}`,
  }
}

const MAX_SLOW = 5
/** Cache lifetime: reading all statements is expensive, and slow statements stay slow. */
const FRESH_MS = 5_000

interface SlowStatement {
  readonly fingerprint: string
  /** Normalized query without values. */
  readonly label: string
  readonly calls: number
  readonly maxMs: number
  readonly severity: QuerySeverity
}

/** Slow statements, cached for a few seconds. */
export class SlowStatements {
  #known: { readonly at: number; readonly statements: readonly SlowStatement[] } | undefined

  constructor(
    private readonly sluice: Pick<Sluice, 'database'>,
    private readonly now: () => number,
  ) {}

  get(): readonly SlowStatement[] {
    const at = this.now()
    if (this.#known === undefined || at - this.#known.at >= FRESH_MS)
      this.#known = { at, statements: this.#look() }
    return this.#known.statements
  }

  #look(): readonly SlowStatement[] {
    const { database } = this.sluice
    const slow = database?.getSlowQueries(undefined, MAX_SLOW) ?? []
    if (database === undefined || slow.length === 0) return []
    const dialects = new Map(database.getWorkload().map(({ fingerprint, dialect }) => [fingerprint, dialect]))
    return slow.map(({ fingerprint, query, calls = 0, maxTime = 0, severity }) => {
      // The engine stores the statement as sent, which can contain values of the app.
      const dialect = dialects.get(fingerprint) ?? database.snapshot?.dialect ?? 'postgresql'
      return { fingerprint, label: analyzeSql(query, dialect).shape, calls, maxMs: maxTime, severity }
    })
  }
}
