import type { Row } from '../../schema/readers/row-values.ts'
import type { PlanSummary } from './plan-summary.ts'

const ACTUAL = /\(actual time=[\d.e+-]+\.\.([\d.e+-]+) rows=([\d.e+-]+) loops=([\d.e+-]+)\)/
const READS =
  /-> (?:Covering |Single-row )?(?:Table scan|Index (?:scan|lookup|range scan)|Row lookup|Rows fetched|Constant row|Index merge|Full-text)/i

/** What MySQL measured: it tells that as a tree of lines, each with the time until its last row, and its rows for each of its loops. */
export function measuredByMysql(rows: readonly Row[]): Pick<PlanSummary, 'executionTime' | 'rowsReturned' | 'rowsScanned'> {
  const [text] = Object.values(rows[0] ?? {})
  const lines = String(text ?? '').split('\n')
  const [, time, returned, loops] = ACTUAL.exec(lines.find((line) => ACTUAL.test(line)) ?? '') ?? []
  let scanned = 0
  for (const line of lines.filter((each) => READS.test(each))) {
    const [, , each = 0, times = 0] = ACTUAL.exec(line) ?? []
    scanned += Number(each) * Number(times)
  }
  if (time === undefined) return {}
  return { executionTime: Number(time), rowsReturned: Math.round(Number(returned) * Number(loops)), rowsScanned: Math.round(scanned) }
}
