import { loadOf, queueLength } from './queueing.ts'
import { BUSY_CPU, LONG_POOL_WAIT_MS } from './thresholds.ts'

/** Requests for a connection of a pool in a period. */
export interface PoolWaits {
  readonly periodMs: number
  readonly requests: number
  /** Mean wait of a request because all connections were in use, in milliseconds; most wait for 0 ms. */
  readonly meanMs: number
  /** 5% of the requests wait at least this long. */
  readonly p95Ms: number
}

/** The state of a pool whose callers waited. */
export interface PoolLoad {
  /** Maximum number of connections; `undefined` if it is unknown. */
  readonly max: number | undefined
  /** The most that the server's connections allow; `undefined` if that is unknown. */
  readonly limit: number | undefined
  /** CPU usage of the busiest process in percent; `0` if it is unknown. */
  readonly cpu: number
  /** The measured waits; otherwise, the most callers that waited at one time. */
  readonly waits: PoolWaits | { readonly mostWaiting: number }
}

/** Whether a pool is too small, and how many connections it needs. */
export type PoolVerdict =
  | { readonly kind: 'large-enough' }
  /** More connections would not help: the process has no capacity. */
  | { readonly kind: 'busy-cpu' }
  /** The server has no free connections. */
  | { readonly kind: 'full-server' }
  /** Too small, but its maximum or its waits are not known. */
  | { readonly kind: 'too-small' }
  /** `share`: the longest mean wait to expect with `to` connections, as a share of the present one. */
  | { readonly kind: 'raise'; readonly to: number; readonly share: number }

/** Connections are enough if they reduce the wait to this share with the same load, */
const GOOD_SHARE = 0.1
/** and to this share if callers that wait less send more. */
const FAIR_SHARE = 0.5

/** Judges the size of a connection pool. Every engine that advises on a pool asks this function. */
export function judgePool({ max, limit, cpu, waits }: PoolLoad): PoolVerdict {
  const isMeasured = 'p95Ms' in waits
  if (isMeasured ? waits.p95Ms < LONG_POOL_WAIT_MS : waits.mostWaiting <= 0) return { kind: 'large-enough' }
  if (cpu >= BUSY_CPU) return { kind: 'busy-cpu' }
  if (max !== undefined && limit !== undefined && limit <= max) return { kind: 'full-server' }
  // By Little's law, this is the mean number of callers that wait.
  const waiting = isMeasured ? (waits.meanMs * waits.requests) / waits.periodMs : waits.mostWaiting
  if (max === undefined || waiting <= 0) return { kind: 'too-small' }
  return {
    kind: 'raise',
    ...fewestThatHelp(max, Math.min(2 * max, limit ?? Number.POSITIVE_INFINITY), waiting),
  }
}

function fewestThatHelp(
  max: number,
  maxTo: number,
  waiting: number,
): { readonly to: number; readonly share: number } {
  const load = loadOf(max, waiting)
  for (let to = max + 1; ; to += 1) {
    // If callers send more as soon as they wait less, as many of them are there as before.
    const most = (Math.max(0, waiting + max - to) / waiting) * (max / to)
    // If they do not, the load stays the same.
    const least = queueLength(to, load) / waiting
    if ((least <= GOOD_SHARE && most <= FAIR_SHARE) || to >= maxTo)
      return { to, share: Math.max(most, least) }
  }
}
