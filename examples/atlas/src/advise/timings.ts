import type { Connection } from '@sluice/core'
import type { WorkloadEntry } from '@sluice/core/database'
import { median } from './median.ts'

/** Milliseconds that a statement takes, as the median of its runs; by fingerprint. */
export type Timings = ReadonlyMap<string, number>

const ROUNDS = 5
/** Statements that are slow are not run as often. */
const MAX_MS = 400

/** Runs every read of a workload with the bindings that it was seen with. */
export async function timeReads(
  connection: Connection,
  workload: readonly WorkloadEntry[],
  only?: ReadonlySet<string>,
): Promise<Timings> {
  const timings = new Map<string, number>()
  for (const { fingerprint, kind, sql, samples } of workload) {
    if (kind !== 'read' || samples.length === 0 || (only !== undefined && !only.has(fingerprint))) continue
    const times: number[] = []
    const until = performance.now() + MAX_MS
    for (let round = 0; round <= ROUNDS && (round < 2 || performance.now() < until); round++) {
      for (const bindings of samples) {
        const startedAt = performance.now()
        await connection.query(sql, bindings.map(asNumber))
        // The first round reads what the others have in memory.
        if (round > 0) times.push(performance.now() - startedAt)
      }
    }
    timings.set(fingerprint, median(times))
  }
  return timings
}

/** MySQL takes a LIMIT as text only in a prepared statement. */
function asNumber(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
}
