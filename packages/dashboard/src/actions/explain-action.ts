import type { Sluice } from '@sluice/core'
import { isRunnable } from '@sluice/core/siblings'
import { Refusal } from '../http/refusal.ts'
import { shapeOf } from '../pages/queries-page.ts'
import { isWithoutValues, masked } from '../pages/values.ts'
import type { ExplainResult } from '../protocol/query.ts'
import { type Body, checkFields, textField } from './body-fields.ts'

const TIMEOUT_MS = 5_000

/** Asks the database how it runs a statement that it was seen to run: nothing is taken from the page but which one. */
export async function explainAction({ database }: Sluice, body: Body, showParameters: boolean): Promise<ExplainResult> {
  checkFields(body, ['fingerprint', 'dialect'])
  const [fingerprint, dialect] = [textField(body, 'fingerprint'), textField(body, 'dialect')]
  if (database === undefined) throw new Refusal('OFF', 'The database engine is off.')
  const entry = database.getTraffic().find((one) => one.fingerprint === fingerprint && one.dialect === dialect)
  if (entry === undefined) throw new Refusal('NOT_FOUND', 'This statement is not remembered any more.')
  const shape = shapeOf(entry)
  // MySQL plans no statement without its values; of what it says, values are taken out.
  const sample = entry.samples.find(isRunnable)
  const needsValues = dialect === 'mysql' || showParameters
  const startedAt = performance.now()
  const analysis = await database.explain(entry.sql, needsValues ? sample : undefined, { timeoutMs: TIMEOUT_MS })
  const { plan, fullTableScan, indexesUsed, warnings, recommendations } = analysis
  const isClean = showParameters || isWithoutValues(entry.sql, entry.dialect)
  const mayShow = showParameters || (!needsValues && isClean)
  // Advice quotes the statement.
  const said = (texts: readonly string[]) => (isClean ? texts : texts.map(masked))
  return {
    ...{ fingerprint, sql: shape, fullTableScan, indexesUsed, warnings: said(warnings), recommendations: said(recommendations) },
    steps: (plan?.steps ?? []).map(({ filter, ...step }) =>
      filter === undefined ? step : { ...step, filter: mayShow ? filter : masked(filter) },
    ),
    cost: plan?.cost ?? null,
    rowsScanned: plan?.rowsScanned ?? null,
    sorts: plan?.sorts ?? 0,
    temporaryStructures: plan?.temporaryStructures ?? 0,
    raw: mayShow ? rawText(plan?.raw) : null,
    tookMs: performance.now() - startedAt,
  }
}

function rawText(raw: unknown): string | null {
  if (raw === undefined || raw === null) return null
  return typeof raw === 'string' ? raw : JSON.stringify(raw, null, 2)
}
