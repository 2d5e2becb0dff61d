import type { WorkloadEntry } from '../workload/workload-entry.ts'
import { UNITS_A_ROW } from './table-costs.ts'

/** The share of a workload's time from which a statement is always considered. */
const MATERIAL_SHARE = 0.01
/** Milliseconds of a call that the network and the driver can take. */
const OVERHEAD_MS = 1
/** Milliseconds of a unit of cost, at most. */
const MS_A_UNIT = 0.01
/** Estimates that are lower by less than this factor count as right. */
const TOLERANCE = 3

/** Whether a statement takes a relevant part of the workload's time. */
export function isMaterial({ totalMs }: Pick<WorkloadEntry, 'totalMs'>, wholeMs: number): boolean {
  return wholeMs > 0 && totalMs >= wholeMs * MATERIAL_SHARE
}

/**
 * Factor by which the measured time and rows of a statement exceed the planner's cost; 1 if the cost explains
 * them.
 */
export function measuredFactor(
  { calls, totalMs, rows }: Pick<WorkloadEntry, 'calls' | 'totalMs' | 'rows'>,
  cost: number,
): number {
  const count = Math.max(1, calls)
  const byTime = (totalMs / count - OVERHEAD_MS) / MS_A_UNIT
  const byRows = (rows / count) * UNITS_A_ROW
  const factor = Math.max(byTime, byRows) / Math.max(1, cost)
  return factor > TOLERANCE ? factor : 1
}
