import { LONG_POOL_WAIT_MS } from '../../shared/pool-wait.ts'
import type { TuningAdvice } from './advice.ts'
import { loadOf, queueLength } from './queueing.ts'

/** Waits for the connections of a pool in a period. */
export interface PoolWaits {
  /** As in the source of `poolWait`. */
  readonly name: string
  /** Maximum number of connections; `undefined` if it is unknown. */
  readonly max: number | undefined
  /** The most that the server's connections allow; `undefined` if that is unknown. */
  readonly limit: number | undefined
  readonly periodMs: number
  /** Requests for a connection. */
  readonly requests: number
  /** Mean wait of a request because all connections were in use, in milliseconds; most wait for 0 ms. */
  readonly meanMs: number
  /** 5% of the requests wait at least so long. */
  readonly p95Ms: number
}

const BUSY_CPU = 80
/** Connections are enough if they reduce the wait to this share with the same load, */
const GOOD_SHARE = 0.1
/** and to this share if callers that wait less send more. */
const FAIR_SHARE = 0.5

/** @param cpu - CPU usage of the busiest process in percent; `0` if it is unknown. */
export function poolAdvice(waits: PoolWaits, cpu: number): TuningAdvice | undefined {
  const { name, p95Ms, max, limit } = waits
  if (p95Ms < LONG_POOL_WAIT_MS) return undefined
  const kind = 'poolSize'
  const problem = `5% of the queries wait at least ${p95Ms.toFixed(0)} ms for a connection of ${name}`
  if (cpu >= BUSY_CPU)
    return { kind, text: `${problem}, and CPU usage is ${cpu.toFixed(0)}%: add workers first.` }
  if (max !== undefined && limit !== undefined && limit <= max)
    return {
      kind,
      text: `${problem}, and the server has no free connections: shorten the statements that hold them.`,
    }
  if (max === undefined || waits.meanMs <= 0)
    return {
      kind,
      text: `${problem}, while CPU usage is ${cpu.toFixed(0)}%: enlarge the pool if the database has capacity. More workers would make it worse.`,
    }
  const { to, waitMs } = enough(max, Math.min(2 * max, limit ?? Number.POSITIVE_INFINITY), waits)
  return {
    kind,
    setting: poolSetting(name),
    from: max,
    to,
    expected: { measure: 'waitMs', from: waits.meanMs, to: waitMs },
    text: `${problem}, while CPU usage is ${cpu.toFixed(0)}%. Raise the maximum of the pool from ${max} to ${to} if the database has capacity: the mean wait of ${short(waits.meanMs)} ms would fall to ${short(waitMs)} ms or less. More workers would make it worse.`,
  }
}

export function poolSetting(name: string): string {
  return `maximum of pool ${name}`
}

/** The fewest connections that help, and the longest mean wait to expect with them. */
function enough(
  max: number,
  maxTo: number,
  { meanMs, requests, periodMs }: PoolWaits,
): { readonly to: number; readonly waitMs: number } {
  // By Little's law, this is the mean number of callers that wait.
  const waiting = (meanMs * requests) / periodMs
  const load = loadOf(max, waiting)
  for (let to = max + 1; ; to += 1) {
    // If callers send more as soon as they wait less, as many of them are there as before.
    const most = (Math.max(0, waiting + max - to) / waiting) * (max / to)
    // If they do not, the load stays the same.
    const least = queueLength(to, load) / waiting
    const share = Math.max(most, least)
    if ((least <= GOOD_SHARE && most <= FAIR_SHARE) || to >= maxTo) return { to, waitMs: meanMs * share }
  }
}

function short(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : ms.toFixed(0)
}
