import type { IndexAdvice } from './advice.ts'
import type { Thresholds } from './thresholds.ts'
import type { TrigramAdvice } from './trigram-advice.ts'
import type { WriteLoad } from './workload.ts'

/** A row is many trigrams: what a write costs more for such an index than for a b-tree. */
const WRITE_FACTOR = 3

/** An index of trigrams as advice. */
export function adviceOfTrigrams(
  { definition, statements }: TrigramAdvice,
  name: string,
  writes: readonly WriteLoad[],
  whole: number,
  { writeCost }: Thresholds,
): IndexAdvice {
  const [key] = definition.keys
  const upkeep = writes
    .filter(({ table, kind, columns }) => table === definition.table && (kind !== 'update' || columns.includes(key?.column ?? '')))
    .reduce((sum, { calls }) => sum + calls * writeCost * WRITE_FACTOR, 0)
  const serves = statements.map(({ statement: { entry, label }, without, with: present }) => {
    const { fingerprint, calls, totalMs, callSites } = entry
    return { fingerprint, label, calls, totalMs, without, with: present, callSites }
  })
  const gain = serves.reduce((sum, { without, with: present, calls }) => sum + (without - present) * Math.max(1, calls), 0)
  const savedMs = serves.reduce((sum, { without, with: present, totalMs }) => sum + totalMs * (1 - present / without), 0)
  const all = Math.max(whole, gain)
  return {
    definition,
    name,
    reason: `patterns of ${key?.column ?? ''} that begin with a wildcard, or ignore case`,
    serves,
    ...(savedMs > 0 ? { savedMs } : {}),
    savedShare: all > 0 ? gain / all : 0,
    upkeep,
    writeShare: all > 0 ? upkeep / all : 0,
    validation: 'sample',
  }
}
