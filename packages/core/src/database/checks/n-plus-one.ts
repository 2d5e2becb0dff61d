import { analyzeSql } from '../../sql/analyze.ts'
import type { Dialect } from '../../sql/dialect.ts'
import { formatCount } from '../names.ts'

/** Statements of one shape before they are reported. */
const THRESHOLD = 5
/** The share of its time that each further key of a merged query takes. */
const FURTHER_KEY = 0.1

/**
 * What among statements is asked again and again, most often first: its shape, how often, and what asking once would save.
 *
 * @param meanMs - What one of a shape takes in milliseconds, where that was observed.
 */
export function nPlusOneProblems(
  queries: readonly string[],
  dialectOf: (sql: string) => Dialect,
  meanMs: (fingerprint: string, dialect: Dialect) => number | undefined,
): string[] {
  const groups = new Map<
    string,
    { readonly shape: string; readonly texts: Set<string>; readonly isKeyed: boolean; readonly dialect: Dialect; count: number }
  >()
  for (const query of queries) {
    const dialect = dialectOf(query)
    const { fingerprint, shape, statement } = analyzeSql(query, dialect)
    if (statement.writes.length > 0 || !statement.kinds.includes('SELECT')) continue
    const known = groups.get(fingerprint)
    if (known === undefined) groups.set(fingerprint, { shape, texts: new Set([query]), isKeyed: /= \?/.test(shape), dialect, count: 1 })
    else {
      known.count += 1
      known.texts.add(query)
    }
  }
  const found = [...groups].filter(([, { count }]) => count >= THRESHOLD).sort((a, b) => b[1].count - a[1].count)
  return found.map(([fingerprint, { shape, texts, isKeyed, dialect, count }]) => {
    const mean = meanMs(fingerprint, dialect)
    // Placeholders look alike, whatever they stand for.
    const isRepeated = texts.size === 1 && !/[?$:@]/.test([...texts][0] ?? '')
    const left = isRepeated ? 1 : 1 + FURTHER_KEY * (count - 1)
    const time = mean === undefined ? '' : ` and about ${formatMs(Math.max(0, mean * (count - left)))}`
    const how = isRepeated ? 'ask once and keep the answer' : isKeyed ? 'ask for all keys at once, with IN' : 'ask once'
    return `${isRepeated ? 'Repeated query' : 'N+1'}: ${formatCount(count)} × ${shape}. Instead: ${how}. That saves ${formatCount(count - 1)} queries${time}.`
  })
}

function formatMs(ms: number): string {
  return ms >= 10 ? `${formatCount(ms)} ms` : `${Number(ms.toPrecision(2))} ms`
}
