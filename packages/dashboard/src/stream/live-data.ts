import type { Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { findingItems } from '../pages/findings-page.ts'
import {
  badgesOf,
  enginesOf,
  latestPoints,
  lineSource,
  sparklines,
  totalsOf,
  vitalsOf,
} from '../pages/now-page.ts'
import type { PageParts } from '../pages/page-parts.ts'
import { type RankedFact, ranked, rankedItems, SlowStatements } from '../pages/ranked.ts'
import { type FactsQuery, factsOf, type ProcessFacts } from '../processes/process-facts.ts'
import type { ProcessInfo, ProcessRow } from '../protocol/common.ts'
import type { FindingItem } from '../protocol/finding.ts'
import type { NowPage, RankedItem, Section, Vitals } from '../protocol/now.ts'
import { type Snapshot, schemaVersion } from '../protocol/stream.ts'
import { summaryOf } from '../recorder/recorded-request.ts'
import type { LiveSource } from './delta-maker.ts'

const MAX_REQUESTS = 100
const JOBS_MS = 5_000
/** Cache lifetime, so that simultaneous requests share one computation. */
const FRESH_MS = 200

/** Current data of a Sluice instance and its recorder. */
export class LiveData implements LiveSource {
  #findings: { readonly at: number; readonly items: readonly FindingItem[] } | undefined

  #jobsAt = Number.NEGATIVE_INFINITY
  readonly #slow: SlowStatements

  constructor(private readonly parts: PageParts) {
    this.#slow = new SlowStatements(parts.sluice, () => parts.recorder.now())
  }

  now(): NowPage {
    const { sluice, recorder } = this.parts
    return {
      mode: sluice.mode,
      ranked: this.ranked(),
      sparklines: sparklines(lineSource(sluice, recorder)),
      vitals: this.vitals(),
      totals: this.totals(),
      badges: this.badges(),
    }
  }

  snapshot(): Omit<Snapshot, 'rights'> {
    const { sluice } = this.parts
    const processes = this.processes()
    const [process] = processes as readonly [ProcessRow]
    return {
      schemaVersion,
      at: Date.now(),
      process: identityOf(process),
      processes,
      engines: enginesOf(sluice),
      ...this.now(),
      ring: this.ring(),
      routes: this.routes(),
      requests: this.requestsSince(0, MAX_REQUESTS).requests,
    }
  }

  mode(): Snapshot['mode'] {
    return this.parts.sluice.mode
  }

  processes(): readonly [ProcessRow] {
    return [{ ...this.parts.process, index: 1, of: 1, isAnswering: true, ...rowVitals(this.vitals()) }]
  }

  /** Data for another process, which adds it to its own. */
  facts(query: FactsQuery): ProcessFacts {
    const at = this.parts.recorder.now()
    if (at - this.#jobsAt >= JOBS_MS) {
      this.#jobsAt = at
      this.#refreshJobs()
    }
    return factsOf(this.parts, this, this.#items(), query)
  }

  ranked(): readonly RankedItem[] {
    return rankedItems(this.rankedFacts())
  }

  rankedFacts(): readonly RankedFact[] {
    const { sluice, jobs } = this.parts
    return ranked(sluice, this.#items(), jobs, this.#slow.get())
  }

  points(): ReturnType<LiveSource['points']> {
    return latestPoints(lineSource(this.parts.sluice, this.parts.recorder))
  }

  vitals(): Snapshot['vitals'] {
    return vitalsOf(this.parts.sluice, this.parts.recorder)
  }

  totals(): Snapshot['totals'] {
    return totalsOf(this.parts.sluice, this.parts.recorder)
  }

  badges(): Snapshot['badges'] {
    return badgesOf(this.parts.sluice, this.#items(), this.parts.jobs)
  }

  ring(): Snapshot['ring'] {
    return this.parts.recorder.ring.state()
  }

  routes(): Snapshot['routes'] {
    const { recorder } = this.parts
    return recorder.routes.rows(recorder.now())
  }

  goneRoutes(): readonly string[] {
    return this.parts.recorder.routes.takeRemoved()
  }

  requestsSince(sequence: number, limit: number): ReturnType<LiveSource['requestsSince']> {
    const { recorder, process } = this.parts
    const last = recorder.requests
    const requests = recorder.ring
      .newest(Math.min(limit, last - sequence))
      .filter((request) => request.sequence > sequence)
    return {
      requests: requests.map((request) => summaryOf(request, process.id)),
      count: last - sequence,
      last,
    }
  }

  watch(stale: (section: Section) => void): () => void {
    const { sluice } = this.parts
    const stops = [sluice.on('fullScan', () => stale('queries')), ...watchEngines(sluice, stale)]
    this.#refreshJobs()
    const timer = setInterval(() => this.#refreshJobs(), JOBS_MS)
    timer.unref()
    return () => {
      clearInterval(timer)
      for (const stop of stops) stop()
    }
  }

  #refreshJobs(): void {
    const { sluice, jobs } = this.parts
    jobs.refresh().catch((error) => hostOf(sluice).reportError(error))
  }

  #items(): readonly FindingItem[] {
    const at = this.parts.recorder.now()
    if (this.#findings === undefined || at - this.#findings.at > FRESH_MS)
      this.#findings = { at, items: findingItems(this.parts) }
    return this.#findings.items
  }
}

/** The identity of a process without its state. */
export function identityOf({ id, pid, hostname, name, startedAt, index, of }: ProcessInfo): ProcessInfo {
  return { id, pid, hostname, name, startedAt, index, of }
}

/** Figures in the row of a process. */
export function rowVitals({
  requestsPerSecond,
  cpu,
  memory,
  eventLoopDelay,
}: Vitals): Pick<ProcessRow, 'requestsPerSecond' | 'cpu' | 'memory' | 'eventLoopDelay'> {
  return { requestsPerSecond, cpu, memory, eventLoopDelay }
}

function watchEngines(
  { jobs, monitor, balancer }: Sluice,
  stale: (section: Section) => void,
): (() => void)[] {
  const stops: (() => void)[] = []
  if (jobs !== undefined) {
    const events = [
      'task:queued',
      'task:started',
      'task:completed',
      'task:retry',
      'task:dead',
      'task:cancelled',
      'queue:health',
    ] as const
    for (const event of events) stops.push(jobs.on(event, () => stale('jobs')))
  }
  if (monitor !== undefined)
    for (const event of ['alert', 'scaling', 'scaled'] as const)
      stops.push(monitor.on(event, () => stale('alerts')))
  if (balancer !== undefined) {
    const events = [
      'nodeAdded',
      'nodeRemoved',
      'draining',
      'statusChanged',
      'ejected',
      'reinstated',
      'panic',
      'strategyChanged',
    ] as const
    for (const event of events) stops.push(balancer.on(event, () => stale('nodes')))
  }
  return stops
}
