import type { EjectionReason } from './health/outlier-detector.ts'
import type { HealthStatus, ServerNode } from './server-node.ts'
import type { BalancingStrategy } from './strategies/create-picker.ts'

/** What a balancer tells of its nodes. */
export interface BalancingEvents {
  nodeAdded: { readonly node: ServerNode }
  /** `abandoned`: connections that were still open when the time to wait for them was over. */
  nodeRemoved: { readonly node: ServerNode; readonly abandoned: number }
  /** A node gets nothing new, and is removed when its connections are closed. */
  draining: { readonly node: ServerNode; readonly activeConnections: number }
  statusChanged: { readonly node: ServerNode; readonly from: HealthStatus; readonly to: HealthStatus }
  /** A node gets nothing for so many milliseconds, because of what it answered, or did not. */
  ejected: { readonly node: ServerNode; readonly reason: EjectionReason; readonly forMs: number }
  /** A node gets requests again after an ejection, few at first. */
  returned: { readonly node: ServerNode }
  /** So many nodes are ejected that they are used all the same; or no longer. */
  panic: { readonly isPanic: boolean }
  strategyChanged: { readonly from: BalancingStrategy; readonly to: BalancingStrategy }
}
