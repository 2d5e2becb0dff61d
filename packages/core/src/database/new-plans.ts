import type { QueryAnalysis } from './checks/analyze-query.ts'
import { queryShapeOf } from './checks/query-shape.ts'
import type { ExplainOptions } from './explain/explain-statement.ts'
import type { DatabaseSnapshot } from './inspectors/database-snapshot.ts'
import { PlanWatch, type PlanWatchParts } from './plan-watch.ts'
import { isRunnable } from './workload/sample-value.ts'
import type { WorkloadEntry } from './workload/workload-record.ts'
import type { WorkloadRecorder } from './workload-recorder.ts'

/** Full scans of tables with fewer rows are not reported. */
const MANY_ROWS = 1_000

/** Required methods of an engine. */
interface Engine {
  readonly snapshot: DatabaseSnapshot | undefined
  inspect(): Promise<DatabaseSnapshot>
  explain(
    query: string,
    bindings: readonly unknown[] | undefined,
    options: ExplainOptions,
  ): Promise<QueryAnalysis>
}

interface NewPlansParts extends Pick<PlanWatchParts, 'clock' | 'onError'> {
  readonly onFullScan: (analysis: QueryAnalysis) => void
}

/** Requests the plans of new normalized queries, and reports full scans of tables with many rows. */
export function watchNewPlans(
  engine: Engine,
  recorder: WorkloadRecorder,
  { onFullScan, ...parts }: NewPlansParts,
): PlanWatch {
  const watch = new PlanWatch({
    ...parts,
    entry: (...of) => recorder.log?.entry(...of),
    explain: (entry) => explainEntry(engine, entry),
    onPlan: (analysis, { dialect }) => {
      if (readsManyRows(engine, analysis, dialect)) onFullScan(analysis)
    },
  })
  recorder.onRead = (fingerprint, dialect) => watch.offer(fingerprint, dialect)
  return watch
}

async function explainEntry(
  engine: Engine,
  { sql, samples, calls, totalMs, maxMs, callSites }: WorkloadEntry,
): Promise<QueryAnalysis> {
  // How many rows a table has, plans do not always say.
  const { tables, defaultSchema } = engine.snapshot ?? (await engine.inspect())
  const analysis = await engine.explain(sql, samples.find(isRunnable), { tables, defaultSchema })
  const observed = { executionTime: totalMs / Math.max(1, calls), calls, totalTime: totalMs, maxTime: maxMs }
  const [site] = callSites
  if (site === undefined) return { ...analysis, ...observed }
  const { count: _count, ...callSite } = site
  return { ...analysis, ...observed, callSite }
}

function readsManyRows(
  { snapshot }: Engine,
  { plan, query }: QueryAnalysis,
  dialect: WorkloadEntry['dialect'],
): boolean {
  const { hasWhere, hasLimit, orderBy } = queryShapeOf(query, dialect)
  // The limit ends the scan.
  if (hasLimit && !hasWhere && orderBy.length === 0) return false
  return (plan?.steps ?? []).some(({ access, table, rows = 0 }) => {
    if (access !== 'full-scan') return false
    const known = snapshot?.tables.find(({ id }) => id === table)?.rows ?? 0
    return Math.max(rows, known) >= MANY_ROWS
  })
}
