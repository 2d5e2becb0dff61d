import type { NodeState } from './node-state.ts'

const WINDOW_MS = 10_000
/** Failures in a row after which a node is ejected: no response, or status 502 to 504. */
const MAX_CONSECUTIVE_FAILURES = 5
/** The share of failures in a window from which a node is ejected. */
const MAX_FAILURE_RATE = 0.5
/** Requests in a window below which `MAX_FAILURE_RATE` does not apply. */
const MIN_REQUESTS = 50
/** Milliseconds of the first ejection; the n-th in a row lasts n times as long. */
const FIRST_EJECTION_MS = 30_000
const MAX_EJECTION_MS = 300_000

/** Why a node was ejected. */
export type EjectionReason = 'consecutive-failures' | 'failure-rate' | 'stalled' | 'requested'

/**
 * Sees by its requests that a node does not do what the others do. Source: outlier detection as Envoy
 * documents it.
 */
export class OutlierDetector {
  /** Counts a request that ended. */
  ended(node: NodeState, now: number, isFailure: boolean): EjectionReason | undefined {
    if (now - node.windowAt >= WINDOW_MS) {
      node.windowAt = now
      node.windowRequests = 0
      node.windowFailures = 0
    }
    node.windowRequests += 1
    if (!isFailure) {
      node.consecutiveFailures = 0
      return undefined
    }
    node.windowFailures += 1
    node.consecutiveFailures += 1
    if (node.consecutiveFailures >= MAX_CONSECUTIVE_FAILURES) return 'consecutive-failures'
    const isOften =
      node.windowRequests >= MIN_REQUESTS && node.windowFailures >= node.windowRequests * MAX_FAILURE_RATE
    return isOften ? 'failure-rate' : undefined
  }

  /**
   * Whether a node may be ejected: not the last one that is left.
   *
   * @param nodes - All that are up, the node itself included.
   */
  mayEject(node: NodeState, nodes: readonly NodeState[]): boolean {
    if (node.isEjected || !node.isUp) return false
    const up = nodes.filter(({ isUp }) => isUp)
    return up.filter(({ isEjected }) => isEjected).length + 1 < up.length
  }

  /** Ejects a node until then, longer each time. */
  eject(node: NodeState, now: number): void {
    node.ejections += 1
    node.totalEjections += 1
    node.ejectedUntil = now + durationOf(node)
    node.consecutiveFailures = 0
    node.windowAt = Number.NEGATIVE_INFINITY
  }

  /** Resets the ejection count of a node that has not failed for as long as its last ejection. */
  forgive(node: NodeState, now: number): void {
    if (node.ejections === 0 || node.isEjected) return
    if (now - node.reinstatedAt >= durationOf(node)) node.ejections -= 1
  }
}

/** Milliseconds of a node's current or last ejection. */
function durationOf({ ejections }: NodeState): number {
  return Math.min(MAX_EJECTION_MS, FIRST_EJECTION_MS * ejections)
}
