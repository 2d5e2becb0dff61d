import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { captureStack, parseCallSite } from '../../pipeline/call-site.ts'
import type { Stack } from '../../pipeline/execution-group.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Finding, Severity } from '../detect/finding.ts'

/** A finding with what its repair would save. */
export interface NPlusOnePattern extends Finding {
  /** Queries, and their time in milliseconds. */
  readonly estimatedSaving: { readonly queries: number; readonly ms: number }
}

/** A statement that was handed in. */
export interface Handed {
  readonly fingerprint: string
  readonly label: string
  readonly estimatedCost: number
}

/** What is known of the shapes of a log. */
export interface ShapeKnowledge {
  meanMs(fingerprint: string): number | undefined
  /** How to ask once, for a statement that stands for its shape. */
  fix(sql: string): string | undefined
}

export interface LogScope {
  readonly id: number
  readonly name: string
}

interface Run {
  readonly shape: Handed
  readonly sql: string
  readonly scope: string
  readonly parent: Handed | undefined
  /** Hits of the loop that goes on, and of the longest one. */
  count: number
  most: number
  loops: number
  lastAt: number
  stack: Stack | undefined
}

/** Shapes that are counted; the longest unseen leave first. */
const MAX_RUNS = 1_000
/** A loop that pauses longer is another loop. */
const PAUSE_MS = 1_000
/** The scope of what is handed in outside of any. */
const NO_SCOPE = 'outside any scope'

/** Finds N+1 queries among statements that were handed in one by one. */
export class NPlusOneLog {
  readonly #runs = new LRUCache<string, Run>({ max: MAX_RUNS })
  readonly #last = new LRUCache<number, Handed>({ max: MAX_RUNS })

  constructor(
    private readonly clock: Clock,
    private readonly threshold: number,
    private readonly knowledge: ShapeKnowledge,
  ) {}

  /** Counts a statement. Statements of another scope, or after a pause of a second, begin a new loop. */
  see(sql: string, shape: Handed, scope: LogScope | undefined): void {
    const scopeId = scope?.id ?? 0
    const key = `${scope?.name ?? ''}\n${shape.fingerprint}`
    const now = this.clock.now()
    const before = this.#last.get(scopeId)
    this.#last.set(scopeId, shape)
    const known = this.#runs.get(key)
    if (known === undefined) {
      const parent = before?.fingerprint === shape.fingerprint ? undefined : before
      const run = { shape, sql, scope: scope?.name ?? NO_SCOPE, parent, count: 1, most: 1, loops: 0, lastAt: now, stack: undefined }
      this.#runs.set(key, run)
      return
    }
    known.count = now - known.lastAt > PAUSE_MS ? 1 : known.count + 1
    known.lastAt = now
    known.most = Math.max(known.most, known.count)
    // From the second on: most statements never have one.
    if (known.count > 1) known.stack ??= captureStack()
    if (known.count === this.threshold) known.loops += 1
  }

  patterns(): NPlusOnePattern[] {
    return [...this.#runs.values()].filter(({ most }) => most >= this.threshold).map((run) => this.#describe(run))
  }

  #describe({ shape, sql, scope, parent, most, loops, stack }: Run): NPlusOnePattern {
    const meanMs = this.knowledge.meanMs(shape.fingerprint) ?? 0
    const callSite = parseCallSite(stack?.stack)
    const fix = this.knowledge.fix(sql)
    const place = callSite === undefined ? '' : `${callSite.file}:${callSite.line}:${callSite.column}`
    const queries = most + (parent === undefined ? 0 : 1)
    return {
      code: 'N_PLUS_ONE',
      id: hash('sha256', `${shape.fingerprint}\n${place}`).slice(0, 8),
      scope,
      fingerprint: shape.fingerprint,
      label: shape.label,
      count: most,
      pattern: 'sequential',
      severity: severityOf(most, meanMs * most, shape.estimatedCost * most),
      databaseMs: meanMs * most,
      ...(callSite === undefined ? {} : { callSite }),
      ...(parent === undefined ? {} : { parent: { label: parent.label } }),
      ...(fix === undefined ? {} : { fix }),
      queries,
      queriesPossible: queries - most + 1,
      occurrences: Math.max(1, loops),
      estimatedSaving: { queries: most - 1, ms: meanMs * (most - 1) },
    }
  }
}

/** What a finding of the detector would save. */
export function withSaving(finding: Finding): NPlusOnePattern {
  const queries = Math.max(0, finding.queries - finding.queriesPossible)
  const ms = finding.count === 0 ? 0 : finding.databaseMs * Math.min(1, queries / finding.count)
  return { ...finding, estimatedSaving: { queries, ms } }
}

function severityOf(count: number, databaseMs: number, cost: number): Severity {
  if (count >= 50 || databaseMs >= 100 || cost >= 5_000) return 'high'
  return count >= 10 || databaseMs >= 20 || cost >= 1_000 ? 'medium' : 'low'
}
