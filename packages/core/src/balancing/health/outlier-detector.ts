import type { NodeState } from '../node-state.ts'
import type { ResolvedEjectionOptions } from './ejection-options.ts'

const WINDOW_MS = 10_000

/** Why a node was ejected. */
export type EjectionReason = 'consecutive-failures' | 'failure-rate' | 'stalled' | 'requested'

/**
 * Sees by its requests that a node does not do what the others do. Source: outlier detection as Envoy
 * documents it.
 */
export class OutlierDetector {
  constructor(readonly options: ResolvedEjectionOptions) {}

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
    const { consecutiveFailures, failureRate, minRequests } = this.options
    if (node.consecutiveFailures >= consecutiveFailures) return 'consecutive-failures'
    const isOften =
      node.windowRequests >= minRequests &&
      failureRate < 1 &&
      node.windowFailures >= node.windowRequests * failureRate
    return isOften ? 'failure-rate' : undefined
  }

  /** @param nodes - All that are up, the node itself included. */
  mayEject(node: NodeState, nodes: readonly NodeState[]): boolean {
    if (node.isEjected || !node.isUp) return false
    const up = nodes.filter(({ isUp }) => isUp)
    const ejected = up.filter(({ isEjected }) => isEjected).length
    return (
      ejected + 1 < up.length &&
      (ejected === 0 || ejected + 1 <= up.length * this.options.maxEjectionShare) &&
      this.options.maxEjectionShare > 0
    )
  }

  /** Ejects a node until then, longer each time. */
  eject(node: NodeState, now: number): void {
    const { baseMs, maxMs } = this.options
    node.ejections += 1
    node.totalEjections += 1
    node.ejectedUntil = now + Math.min(maxMs, baseMs * node.ejections)
    node.consecutiveFailures = 0
    node.windowAt = Number.NEGATIVE_INFINITY
  }

  /** Resets the ejection count of a node that has not failed for as long as its last ejection. */
  forgive(node: NodeState, now: number): void {
    const { baseMs, maxMs } = this.options
    if (node.ejections === 0 || node.isEjected) return
    const lasted = Math.min(maxMs, baseMs * node.ejections)
    if (now - node.reinstatedAt >= lasted) node.ejections -= 1
  }
}
