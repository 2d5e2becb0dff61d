import { setTimeout as pause } from 'node:timers/promises'
import type { ProcessLink } from '@sluice/core/siblings'
import { latestPoints, sparklines } from '../pages/now-page.ts'
import type { ProcessRow } from '../protocol/common.ts'
import type { NowPage, RankedItem, Section } from '../protocol/now.ts'
import type { RequestSummary } from '../protocol/request.ts'
import { type Snapshot, schemaVersion } from '../protocol/stream.ts'
import { rankedRows } from '../recorder/route-stats.ts'
import type { LiveSource } from '../stream/delta-maker.ts'
import { identityOf, type LiveData, rowVitals } from '../stream/live-data.ts'
import {
  type AllFacts,
  mergeBadges,
  mergeEngines,
  mergeLines,
  mergeRanked,
  mergeRing,
  mergeRoutes,
  mergeTotals,
  mergeVitals,
} from './merge/merge-facts.ts'
import { Peers } from './peers.ts'
import type { ProcessFacts } from './process-facts.ts'

const MAX_REQUESTS = 100
const MAX_ROUTES = 300
const LOOK_MS = 1_000
const PATIENCE_MS = 300
/** Polling interval for pages whose changes other processes do not report. */
const STALE_MS = 5_000
const UNREPORTED: readonly Section[] = ['findings', 'jobs', 'alerts']
/** Cache lifetime, so that simultaneous requests share one computation. */
const FRESH_MS = 200
const NO_REQUESTS = { since: Number.MAX_SAFE_INTEGER, sinceAt: 0 } as const

interface AllProcessesParts {
  readonly own: LiveData
  readonly self: string
  readonly link: ProcessLink
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** Combined data of all processes that respond. */
export class AllProcesses implements LiveSource {
  readonly peers: Peers
  readonly #log = new RequestLog()
  /** Sequence number of the last request of this process in the log. */
  #ownLast = 0
  #names = new Set<string>()
  #all: { readonly at: number; readonly facts: AllFacts } | undefined

  constructor(private readonly parts: AllProcessesParts) {
    const { self, link, now, onError } = parts
    this.peers = new Peers({
      self,
      link,
      now,
      onError,
      onRequests: (requests, count, isFirst) =>
        isFirst ? this.#log.addOld(requests) : this.#log.add(requests, count),
    })
  }

  now(): NowPage {
    return {
      mode: this.mode(),
      ranked: this.ranked(),
      sparklines: sparklines(mergeLines(this.#facts())),
      vitals: this.vitals(),
      totals: this.totals(),
      badges: this.badges(),
    }
  }

  snapshot(): Omit<Snapshot, 'rights'> {
    const processes = this.processes()
    const process = processes.find(({ id }) => id === this.parts.self) as ProcessRow
    this.#pull()
    return {
      schemaVersion,
      at: Date.now(),
      process: identityOf(process),
      processes,
      engines: mergeEngines(this.#facts()),
      ...this.now(),
      ring: this.ring(),
      routes: this.routes(),
      requests: this.#log.newest(MAX_REQUESTS),
    }
  }

  mode(): Snapshot['mode'] {
    return this.parts.own.mode()
  }

  processes(): readonly ProcessRow[] {
    const answering = this.#facts().map((facts) => ({ facts, isAnswering: true }))
    const silent = this.peers.silent.map((facts) => ({ facts, isAnswering: false }))
    const all = [...answering, ...silent].sort(
      (a, b) =>
        a.facts.info.startedAt - b.facts.info.startedAt || (a.facts.info.id < b.facts.info.id ? -1 : 1),
    )
    return all.map(({ facts: { info, vitals }, isAnswering }, at) => ({
      ...info,
      index: at + 1,
      of: all.length,
      isAnswering,
      ...rowVitals(vitals),
    }))
  }

  ranked(): readonly RankedItem[] {
    return mergeRanked(this.#facts())
  }

  points(): ReturnType<LiveSource['points']> {
    return latestPoints(mergeLines(this.#facts()))
  }

  vitals(): Snapshot['vitals'] {
    return mergeVitals(this.#facts())
  }

  totals(): Snapshot['totals'] {
    return mergeTotals(this.#facts())
  }

  badges(): Snapshot['badges'] {
    return mergeBadges(this.#facts())
  }

  ring(): Snapshot['ring'] {
    return mergeRing(this.#facts())
  }

  routes(): Snapshot['routes'] {
    return rankedRows(mergeRoutes(this.#facts().flatMap(({ routes }) => routes)).slice(0, MAX_ROUTES))
  }

  goneRoutes(): readonly string[] {
    this.parts.own.goneRoutes()
    const names = new Set(this.routes().map(({ name }) => name))
    const removed = [...this.#names].filter((name) => !names.has(name))
    this.#names = names
    return removed
  }

  requestsSince(sequence: number, limit: number): ReturnType<LiveSource['requestsSince']> {
    this.#pull()
    const { last } = this.#log
    return { requests: limit === 0 ? [] : this.#log.since(sequence, limit), count: last - sequence, last }
  }

  watch(stale: (section: Section) => void): () => void {
    const stop = this.parts.own.watch(stale)
    let staleAt = this.parts.now()
    const look = async () => {
      await this.peers.refresh()
      if (this.peers.facts.length === 0 || this.parts.now() - staleAt < STALE_MS) return
      staleAt = this.parts.now()
      for (const section of UNREPORTED) stale(section)
    }
    const timer = setInterval(() => void look(), LOOK_MS)
    timer.unref()
    return () => {
      clearInterval(timer)
      stop()
    }
  }

  /**
   * Asks the other processes for their data and waits briefly. Later responses are used in the next update.
   * Never rejects.
   */
  async refresh(): Promise<void> {
    const patience = new AbortController()
    await Promise.race([
      this.peers.refresh(),
      pause(PATIENCE_MS, undefined, { ref: false, signal: patience.signal }).catch(() => {}),
    ])
    patience.abort()
    this.#all = undefined
  }

  #facts(): AllFacts {
    const at = this.parts.now()
    if (this.#all === undefined || at - this.#all.at > FRESH_MS) {
      const own: ProcessFacts = this.parts.own.facts(NO_REQUESTS)
      this.#all = { at, facts: [own, ...this.peers.facts] }
    }
    return this.#all.facts
  }

  #pull(): void {
    const { requests, count, last } = this.parts.own.requestsSince(this.#ownLast, MAX_REQUESTS)
    if (count > 0) this.#log.add(requests, count)
    this.#ownLast = last
  }
}

interface Entry {
  readonly sequence: number
  readonly request: RequestSummary
}

class RequestLog {
  #entries: Entry[] = []
  last = 0

  /**
   * @param requests - Newest first.
   * @param count - Their total number.
   */
  add(requests: readonly RequestSummary[], count: number): void {
    this.last += count
    const first = this.last - requests.length + 1
    this.#insert([...requests].reverse().map((request, at) => ({ sequence: first + at, request })))
  }

  /** Adds requests from before the stream was opened, which do not count as new. */
  addOld(requests: readonly RequestSummary[]): void {
    this.#insert(requests.map((request) => ({ sequence: 0, request })))
  }

  /** Returns the requests after a sequence number, newest first. */
  since(sequence: number, limit: number): readonly RequestSummary[] {
    return this.#entries
      .filter((entry) => entry.sequence > sequence)
      .slice(-limit)
      .reverse()
      .map(({ request }) => request)
  }

  newest(limit: number): readonly RequestSummary[] {
    return this.#entries
      .slice(-limit)
      .reverse()
      .map(({ request }) => request)
  }

  #insert(entries: readonly Entry[]): void {
    this.#entries = [...this.#entries, ...entries].sort((a, b) => endOf(a) - endOf(b)).slice(-MAX_REQUESTS)
  }
}

function endOf({ request }: Entry): number {
  return request.startedAt + request.durationMs
}
