import type { Sample } from '../../pipeline/execution-group.ts'
import { repetitionAmong } from '../../pipeline/repetition.ts'
import { analyzeSql } from '../../sql/analyze.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { formatCount } from '../names.ts'

/** Statements of one shape before they are reported, whether their values differ or not. */
const LIMITS = { threshold: 5, repeats: 5 }
/** The share of its time that each further key of a merged query takes. */
const FURTHER_KEY = 0.1

interface Group {
  readonly shape: string
  readonly dialect: Dialect
  count: number
  readonly samples: Sample[]
}

/**
 * The statements of a list that repeat, most often first: their shape, how often, and how much one query
 * would save.
 *
 * @param meanMs - The time of one statement of a shape in milliseconds, where that was observed.
 */
export function nPlusOneProblems(
  queries: readonly string[],
  dialectOf: (sql: string) => Dialect,
  meanMs: (fingerprint: string, dialect: Dialect) => number | undefined,
): string[] {
  const groups = new Map<string, Group>()
  for (const query of queries) {
    const dialect = dialectOf(query)
    const { fingerprint, shape, statement } = analyzeSql(query, dialect)
    if (statement.writes.length > 0 || !statement.kinds.includes('SELECT')) continue
    const group = groups.get(fingerprint) ?? { shape, dialect, count: 0, samples: [] }
    groups.set(fingerprint, group)
    group.count += 1
    // Statements with equal placeholders may have different values.
    group.samples.push({ values: /[?$:@]/.test(query) ? undefined : query, stack: undefined, writes: 0 })
  }
  const found = [...groups].flatMap(([fingerprint, group]) => {
    const repetition = repetitionAmong(group, LIMITS)
    return repetition === undefined ? [] : [{ ...group, ...repetition, fingerprint }]
  })
  return found
    .sort((a, b) => b.count - a.count)
    .map(({ fingerprint, shape, dialect, code, count, needed }) => {
      const mean = meanMs(fingerprint, dialect)
      const isRepeated = code === 'REPEATED_QUERY'
      const left = isRepeated ? needed : 1 + FURTHER_KEY * (count - 1)
      const time = mean === undefined ? '' : ` and about ${formatMs(Math.max(0, mean * (count - left)))}`
      const how = isRepeated
        ? 'query once and store the result'
        : /= \?/.test(shape)
          ? 'query all keys together, with IN'
          : 'query once'
      return `${isRepeated ? 'Duplicate query' : 'N+1'}: ${formatCount(count)} × ${shape}. Instead: ${how}. That saves ${formatCount(count - needed)} queries${time}.`
    })
}

/** The time of one execution, where any was observed. */
export function meanMsOf(
  seen: { readonly calls: number; readonly totalMs: number } | undefined,
): number | undefined {
  return seen === undefined || seen.calls === 0 ? undefined : seen.totalMs / seen.calls
}

function formatMs(ms: number): string {
  return ms >= 10 ? `${formatCount(ms)} ms` : `${Number(ms.toPrecision(2))} ms`
}
