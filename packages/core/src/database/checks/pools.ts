import { fileOf } from '../../pipeline/call-site.ts'
import type { PoolState } from '../../schema/connection.ts'
import { judgePool, type PoolWaits } from '../../shared/pool-size.ts'
import { HIGH_USE, LONG_POOL_WAIT_MS } from '../../shared/thresholds.ts'
import { analyzeSql } from '../../sql/analyze.ts'
import type { ServerConnections } from '../inspectors/database-snapshot.ts'
import { formatCount } from '../names.ts'
import type { WorkloadEntry } from '../workload/workload-record.ts'

/** Statistics of a pool over a period. */
export interface ObservedPool {
  readonly name: string
  readonly now: PoolState
  /** The most that were in use, and that waited, at one time. */
  readonly mostUsed: number
  readonly mostWaiting: number
  /** The waits of the last minutes; `undefined` if the pool does not measure them. */
  readonly recent: PoolWaits | undefined
}

/** A statement that holds connections for long. */
interface SlowStatement {
  readonly label: string
  readonly totalMs: number
  readonly calls: number
  /** `file:line`, where that is known. */
  readonly place?: string
}

export interface PoolFacts {
  readonly pools: readonly ObservedPool[]
  /** Connections of the server; `undefined` if they are unknown, or have no limit. */
  readonly connections: ServerConnections | undefined
  /** Processes that have a pool like these. */
  readonly instances: number
  /** CPU usage of the busiest process in percent; `0` if it is unknown. */
  readonly cpu: number
  /** Those that take the most time, dearest first. */
  readonly slowest: readonly SlowStatement[]
}

/** The share of the server's connections that pools may have; the rest is for maintenance. */
const SERVER_SHARE = 0.9
const LITTLE_SHARE = 0.25
const NAMED = 3

/** Recommendations for pools: the state of each, its problems, and what to do. */
export function poolRecommendations(facts: PoolFacts): string[] {
  const lines = facts.pools.flatMap((pool) => ofPool(pool, facts))
  const { connections } = facts
  if (connections === undefined) return lines
  const { used, max, idleInTransaction, blocked } = connections
  if (used > max * HIGH_USE)
    lines.push(`The server has ${used} of at most ${max} connections. Beyond that it refuses new ones.`)
  if (idleInTransaction > 0)
    lines.push(
      `${idleInTransaction} connections of the server are idle in a transaction, so others cannot use them. Within a transaction, wait only for queries.`,
    )
  if (blocked > 0)
    lines.push(
      `${blocked} connections of the server wait for a lock: a larger pool would only have more of them wait.`,
    )
  return lines
}

function ofPool(pool: ObservedPool, facts: PoolFacts): string[] {
  const { name, now, mostUsed, mostWaiting } = pool
  const { min, max, used, idle, waiting } = now
  const lines = [
    `Pool ${name}: min ${min}, max ${max}, ${used} in use, ${idle} idle, ${waiting} waiting; at most ${mostUsed} were in use, and ${mostWaiting} waiting.`,
  ]
  const warn = (text: string) => void lines.push(`Pool ${name}: ${text}`)
  const cap = capOf(facts)
  if (cap !== undefined && max > cap) {
    warn(
      `lower max from ${max} to ${Math.max(1, cap)}: ${facts.instances} × ${max} connections are more than the server's limit of ${facts.connections?.max} allows.`,
    )
  }
  if (mostUsed > max * HIGH_USE)
    warn(
      `warning: ${mostUsed} of ${max} connections were in use at one time (${Math.round((mostUsed / max) * 100)}%).`,
    )
  if (mostWaiting > 0) warn(onWaiting(pool, facts))
  else if (mostUsed > max * HIGH_USE) warn('no caller waited, so a larger pool would not help yet.')
  if (min > 0 && mostUsed < max * LITTLE_SHARE && min > mostUsed)
    warn(`at most ${mostUsed} were in use: min ${min} keeps unused connections open.`)
  return lines
}

function onWaiting({ now: { max }, mostWaiting, recent }: ObservedPool, facts: PoolFacts): string {
  const limit = poolLimit(max, facts)
  const verdict = judgePool({ max, limit, cpu: facts.cpu, waits: recent ?? { mostWaiting } })
  const waited = `up to ${mostWaiting} callers waited at one time`
  switch (verdict.kind) {
    case 'large-enough':
      return `${waited}, but fewer than 5% of the recent requests waited ${LONG_POOL_WAIT_MS} ms or longer: the pool is large enough.`
    case 'busy-cpu':
      return `${waited}, and CPU usage is ${facts.cpu.toFixed(0)}%: add workers first.`
    case 'raise':
      return limit === undefined
        ? `${waited}, and it is unknown whether the server has free connections: if it has, ${verdict.to} would be enough. ${shorten(facts)}`
        : `raise max from ${max} to ${verdict.to}: ${waited}, and the server has free connections.`
    default:
      return `${waited}, and the server has no free connections. ${shorten(facts)}`
  }
}

function shorten({ slowest }: PoolFacts): string {
  const names = slowest.slice(0, NAMED).map(({ label, totalMs, calls, place }) => {
    return `${label} (${formatCount(totalMs)} ms in ${formatCount(calls)} calls${place === undefined ? '' : `, ${place}`})`
  })
  return names.length === 0
    ? 'Shorten the statements that hold connections.'
    : `Shorten the statements that hold them: ${names.join('; ')}.`
}

/**
 * The most that the maximum of a pool can be with the connections that the server has; `undefined` if that is
 * unknown.
 */
export function poolLimit(
  max: number,
  facts: Pick<PoolFacts, 'connections' | 'instances'>,
): number | undefined {
  const { connections } = facts
  const cap = capOf(facts)
  if (cap === undefined || connections === undefined) return undefined
  return Math.min(cap, max + Math.floor(connections.max * SERVER_SHARE) - connections.used)
}

/** Connections that each process may have. */
function capOf({ connections, instances }: Pick<PoolFacts, 'connections' | 'instances'>): number | undefined {
  return connections === undefined ? undefined : Math.floor((connections.max * SERVER_SHARE) / instances)
}

/** Statements with their call sites, for people: those that took the most time come first. */
export function slowestOf(workload: readonly WorkloadEntry[]): PoolFacts['slowest'] {
  return workload.map(({ sql, dialect, totalMs, calls, callSites: [site] }) => {
    const label = analyzeSql(sql, dialect).shape
    return { label, totalMs, calls, ...(site === undefined ? {} : { place: `${fileOf(site)}:${site.line}` }) }
  })
}
