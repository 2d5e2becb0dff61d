import { type Alert, analyzeSql, type QuerySeverity, type ServerNode, type Sluice } from '@sluice/core'
import { outcomeOf } from '@sluice/core/siblings'
import type { FindingItem } from '../protocol/finding.ts'
import type { RankedItem } from '../protocol/now.ts'
import type { JobFacts } from './job-facts.ts'

const MAX_RANKED = 5
const RANK = { high: 0, medium: 1, low: 2 } as const

/** What is wrong, or could be better: the worst first, five at most. */
export function ranked(sluice: Sluice, findings: readonly FindingItem[], jobs: JobFacts, slow: readonly SlowStatement[]): RankedItem[] {
  const items = [
    ...(sluice.monitor?.getActiveAlerts() ?? []).map(ofAlert),
    ...(sluice.balancer?.nodes ?? []).flatMap(ofNode),
    ...ofJobs(jobs),
    ...findings.filter(({ isMuted }) => !isMuted).map(ofFinding),
    ...slow.map(ofStatement),
  ]
  // A stable sort: within a severity, alerts before nodes before jobs before findings.
  return items.sort((a, b) => RANK[a.severity] - RANK[b.severity]).slice(0, MAX_RANKED)
}

function ofAlert({ id, metric, source, severity, message, status }: Alert): RankedItem {
  return {
    ...{ key: `alert ${id}`, kind: 'alert', section: 'alerts', target: id, mutes: null },
    severity: severity === 'critical' ? 'high' : severity === 'warning' ? 'medium' : 'low',
    title: `${status === 'acknowledged' ? 'Acknowledged' : 'Alert'}  ${metric}${source === '' ? '' : ` of ${source}`}`,
    detail: message,
  }
}

function ofNode({ id, status }: ServerNode): RankedItem[] {
  if (status === 'healthy' || status === 'maintenance') return []
  const severity = status === 'unhealthy' ? 'high' : 'medium'
  return [{ key: `node ${id}`, kind: 'node', severity, title: `Node ${id}`, detail: status, section: 'nodes', target: id, mutes: null }]
}

function ofJobs({ queues }: JobFacts): RankedItem[] {
  return queues.flatMap(({ queue, deadLetters, health, reasons }) => {
    const place = { section: 'jobs', target: queue, mutes: null } as const
    const items: RankedItem[] = []
    if (deadLetters > 0)
      items.push({
        ...{ key: `dead ${queue}`, kind: 'dead-letters', ...place },
        title: `Queue ${queue}`,
        ...deadLetterWords(deadLetters),
      })
    if (health !== 'healthy')
      items.push({
        ...{ key: `queue ${queue}`, kind: 'queue', severity: health === 'unhealthy' ? 'high' : 'medium', ...place },
        title: `Queue ${queue} is ${health}`,
        detail: reasons[0] ?? '',
      })
    return items
  })
}

export function deadLetterWords(count: number): Pick<RankedItem, 'severity' | 'detail'> {
  return { severity: count >= 10 ? 'high' : 'medium', detail: `${count} dead letter${count === 1 ? '' : 's'}` }
}

function ofFinding(finding: FindingItem): RankedItem {
  const { key, id, title, scope, severity } = finding
  return {
    key: `finding ${key}`,
    kind: 'finding',
    severity,
    title: `${title}  ${scope}`,
    detail: outcomeOf(finding, ' →'),
    section: 'findings',
    target: key,
    mutes: id,
  }
}

function ofStatement({ fingerprint, label, calls, maxMs, severity }: SlowStatement): RankedItem {
  return {
    ...{ key: `statement ${fingerprint}`, kind: 'slow-query', section: 'queries', target: fingerprint, mutes: null },
    severity: severity === 'critical' || severity === 'high' ? 'high' : 'medium',
    title: `Slow  ${label.length > 80 ? `${label.slice(0, 79)}…` : label}`,
    detail: `${Math.round(maxMs)} ms at most, ${calls} call${calls === 1 ? '' : 's'}`,
  }
}

/** A statement that takes so long is worth a look by itself. */
const SLOW_MS = 1_000
const MAX_SLOW = 5
/** To go through all that was asked is dear, and what is slow stays so. */
const FRESH_MS = 5_000

interface SlowStatement {
  readonly fingerprint: string
  /** Without values. */
  readonly label: string
  readonly calls: number
  readonly maxMs: number
  readonly severity: QuerySeverity
}

/** The statements that took long, as they were a little while ago. */
export class SlowStatements {
  #known: { readonly at: number; readonly statements: readonly SlowStatement[] } | undefined

  constructor(
    private readonly sluice: Pick<Sluice, 'database'>,
    private readonly now: () => number,
  ) {}

  get(): readonly SlowStatement[] {
    const at = this.now()
    if (this.#known === undefined || at - this.#known.at >= FRESH_MS) this.#known = { at, statements: this.#look() }
    return this.#known.statements
  }

  #look(): readonly SlowStatement[] {
    const { database } = this.sluice
    const slow = database?.getSlowQueries(SLOW_MS, MAX_SLOW) ?? []
    if (database === undefined || slow.length === 0) return []
    const dialects = new Map(database.getTraffic().map(({ fingerprint, dialect }) => [fingerprint, dialect]))
    return slow.map(({ fingerprint, query, calls = 0, maxTime = 0, severity }) => {
      // The engine has it as it was sent, with values that the app wrote into it.
      const dialect = dialects.get(fingerprint) ?? database.snapshot?.dialect ?? 'postgresql'
      return { fingerprint, label: analyzeSql(query, dialect).shape, calls, maxMs: maxTime, severity }
    })
  }
}
