import { formatCallSite } from '../../pipeline/call-site.ts'
import { repetitionText } from '../../pipeline/repetition.ts'
import { MAX_JOINS, SLOW_QUERY_MS } from '../../shared/thresholds.ts'
import type { NPlusOnePattern } from './n-plus-one-log.ts'
import type { DescribedShape } from './observations.ts'

const MAX_N_PLUS_ONE = 10
const MAX_SLOW = 10
const MAX_RECOMMENDATIONS = 50
/** The assumed share of a scan's time that an index saves. */
const SCAN_SAVING = 0.9
/** The assumed share of a query's time that fewer columns save. */
const STAR_SAVING = 0.1

interface Ranked {
  readonly text: string
  readonly savedMs: number
}

/**
 * Returns recommended changes, ordered by the time that each would have saved so far.
 *
 * @param knowsKeys - Whether the keys of the tables are known. Otherwise, no missing index can be reported.
 */
export function recommendations(
  patterns: readonly NPlusOnePattern[],
  observations: readonly DescribedShape[],
  knowsKeys: boolean,
): string[] {
  const texts = observations.flatMap((observation) => byText(observation, knowsKeys))
  const ranked: Ranked[] = [...nPlusOnes(patterns), ...slowShapes(observations), ...texts]
  const saved = new Map<string, number>()
  for (const { text, savedMs } of ranked) saved.set(text, (saved.get(text) ?? 0) + savedMs)
  return [...saved]
    .sort((a, b) => b[1] - a[1])
    .slice(0, MAX_RECOMMENDATIONS)
    .map(([text]) => text)
}

function nPlusOnes(patterns: readonly NPlusOnePattern[]): Ranked[] {
  const ranked = patterns.toSorted((a, b) => b.impact.savedMs - a.impact.savedMs)
  const repeated = ranked.flatMap(({ code, ...rest }) => (code === 'QUERY_BUDGET' ? [] : [{ code, ...rest }]))
  return repeated.slice(0, MAX_N_PLUS_ONE).map(({ code, label, callSite, fix, count, impact }) => {
    const where = callSite === undefined ? '' : ` at ${formatCallSite(callSite)}`
    const text = repetitionText({ code, count }, label, fix, where)
    // A fix is code, which no period follows.
    return { text: fix === undefined ? `${text}.` : text, savedMs: impact.savedMs }
  })
}

function slowShapes(observations: readonly DescribedShape[]): Ranked[] {
  const slow = observations.filter(({ count, totalMs }) => count > 0 && totalMs / count >= SLOW_QUERY_MS)
  return slow
    .sort((a, b) => b.totalMs - a.totalMs)
    .slice(0, MAX_SLOW)
    .map(({ label, count, totalMs }) => ({
      text: `Slow: ${label} takes ${Math.round(totalMs / count)} ms on average (${count} ×). Look at its plan.`,
      savedMs: Math.max(0, totalMs - count * SLOW_QUERY_MS),
    }))
}

function byText({ label, facts, totalMs }: DescribedShape, knowsKeys: boolean): Ranked[] {
  if (facts === undefined) return []
  const found: Ranked[] = []
  for (const { table, columns } of facts.scans) {
    if (columns.length > 0 && knowsKeys) {
      const text = `No index is known on ${table}(${columns.join(', ')}), which ${label} filters by. If there is none, add one.`
      found.push({ text, savedMs: totalMs * SCAN_SAVING })
    }
  }
  if (facts.joinCount > MAX_JOINS)
    found.push({
      text: `${facts.joinCount} joins in ${label}: split it, or load a part by key.`,
      savedMs: totalMs / 2,
    })
  if (facts.star)
    found.push({
      text: `SELECT * in ${label}: name the columns that are used.`,
      savedMs: totalMs * STAR_SAVING,
    })
  return found
}
