import type { Answer } from './drive.ts'
import type { PlannedRequest } from './requests.ts'

export interface Cost {
  readonly queries: number
  readonly ms: number
}

export interface RouteSummary {
  readonly route: string
  readonly requests: number
  /** Responses that were the same, byte for byte. */
  readonly identical: number
  readonly bare: Cost
  readonly sluice: Cost
  /** Reads that Sluice's cache served, and cacheable reads that it missed. */
  readonly cache: { readonly hits: number; readonly misses: number }
}

export interface Difference {
  readonly request: PlannedRequest
  readonly bare: string
  readonly sluice: string
}

const CONTEXT = 40

/** Sums up both runs by route, in the order in which the routes first came. */
export function summarize(
  requests: readonly PlannedRequest[],
  bare: readonly Answer[],
  sluice: readonly Answer[],
): RouteSummary[] {
  const pairs = pairUp(requests, bare, sluice)
  return [...new Set(requests.map((request) => request.route))].map((route) => {
    const mine = pairs.filter((pair) => pair.request.route === route)
    return {
      route,
      requests: mine.length,
      identical: mine.filter((pair) => sameAnswer(pair.bare, pair.sluice)).length,
      bare: { queries: sum(mine, (pair) => pair.bare.queries), ms: sum(mine, (pair) => pair.bare.ms) },
      sluice: { queries: sum(mine, (pair) => pair.sluice.queries), ms: sum(mine, (pair) => pair.sluice.ms) },
      cache: { hits: sum(mine, (pair) => pair.sluice.hits), misses: sum(mine, (pair) => pair.sluice.misses) },
    }
  })
}

/** The first request that was answered differently, with both answers around the first byte that differs. */
export function firstDifference(
  requests: readonly PlannedRequest[],
  bare: readonly Answer[],
  sluice: readonly Answer[],
): Difference | undefined {
  const pair = pairUp(requests, bare, sluice).find(
    (candidate) => !sameAnswer(candidate.bare, candidate.sluice),
  )
  if (pair === undefined) return undefined
  const [left, right] = [pair.bare, pair.sluice].map(
    (answer) => `${answer.status} ${answer.contentType} ${answer.body}`,
  ) as [string, string]
  let at = 0
  while (at < left.length && left[at] === right[at]) at++
  return { request: pair.request, bare: excerpt(left, at), sluice: excerpt(right, at) }
}

interface Pair {
  readonly request: PlannedRequest
  readonly bare: Answer
  readonly sluice: Answer
}

function pairUp(
  requests: readonly PlannedRequest[],
  bare: readonly Answer[],
  sluice: readonly Answer[],
): Pair[] {
  return requests.map((request, index) => {
    const [left, right] = [bare[index], sluice[index]]
    if (left === undefined || right === undefined)
      throw new RangeError(`Request ${index} has no response in both runs.`)
    return { request, bare: left, sluice: right }
  })
}

function sameAnswer(a: Answer, b: Answer): boolean {
  return a.status === b.status && a.contentType === b.contentType && a.body.equals(b.body)
}

function excerpt(text: string, at: number): string {
  const start = Math.max(0, at - CONTEXT)
  const end = at + CONTEXT
  return `${start > 0 ? '…' : ''}${text.slice(start, end)}${end < text.length ? '…' : ''}`
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
