import type { Sample } from '../../pipeline/execution-group.ts'
import {
  passedStatement,
  type RepetitionLimits,
  repetitionAmong,
  repetitionText,
  savedTime,
} from '../../pipeline/repetition.ts'
import { analyzeSql } from '../../sql/analyze.ts'
import { fixFor } from '../../sql/batch/batch-query.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { formatCount } from '../names.ts'

interface Group {
  readonly shape: string
  readonly dialect: Dialect
  readonly sql: string
  count: number
  readonly samples: Sample[]
}

/**
 * The statements of a list that repeat, most often first: their normalized query, how often, and how much one
 * query would save.
 *
 * @param meanMs - Mean time of a normalized query in milliseconds, if it was observed.
 */
export function nPlusOneProblems(
  queries: readonly string[],
  limits: RepetitionLimits,
  dialectOf: (sql: string) => Dialect,
  meanMs: (fingerprint: string, dialect: Dialect) => number | undefined,
): string[] {
  const groups = new Map<string, Group>()
  let writes = 0
  for (const sql of queries) {
    const dialect = dialectOf(sql)
    const { fingerprint, shape, statement } = analyzeSql(sql, dialect)
    if (statement.writes.length > 0) writes += 1
    else if (statement.kinds.includes('SELECT')) {
      const group = groups.get(fingerprint) ?? { shape, dialect, sql, count: 0, samples: [] }
      groups.set(fingerprint, group)
      group.count += 1
      group.samples.push(passedStatement(sql, dialect, writes))
    }
  }
  const found = [...groups].flatMap(([fingerprint, group]) => {
    const repetition = repetitionAmong(group, limits)
    return repetition === undefined ? [] : [{ ...group, ...repetition, fingerprint }]
  })
  return found
    .sort((a, b) => b.count - a.count)
    .map(({ fingerprint, shape, dialect, sql, code, count, needed }) => {
      const mean = meanMs(fingerprint, dialect)
      const saved = count - needed
      const time = mean === undefined ? '' : ` and about ${formatMs(savedTime(code, saved, mean))}`
      const text = repetitionText({ code, count }, shape, fixFor(sql, dialect))
      return `${text}. That saves ${formatCount(saved)} queries${time}.`
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
