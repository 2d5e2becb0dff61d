import type { Finding } from './finding.ts'
import { formatFinding, titleOf } from './format-finding.ts'

export interface ReportStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/** Whether colours suit a stream: `NO_COLOR` and `FORCE_COLOR` first, then whether it is a terminal. */
export function wantsColor(stream: ReportStream, env: Readonly<Record<string, string | undefined>> = process.env): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0') return true
  return stream.isTTY === true
}

/** Findings told apart; beyond that, older ones may be printed anew. */
const MAX_PRINTED = 1000

/**
 * Prints findings, each once for a scope and shape; repeats are counted, and the count printed at 10, 100, 1,000 …
 *
 * @param stream - Stderr by default: stdout is for data.
 */
export function createConsoleReport(stream: ReportStream = process.stderr): (finding: Finding) => void {
  const printed = new Map<string, number>()
  return (finding) => {
    const key = `${finding.scope}\n${finding.id}`
    const times = (printed.get(key) ?? 0) + 1
    if (printed.size >= MAX_PRINTED && times === 1) printed.clear()
    printed.set(key, times)
    const color = wantsColor(stream)
    if (times === 1) stream.write(`${formatFinding(finding, { color, width: stream.columns ?? 100 })}\n`)
    else if (Number.isInteger(Math.log10(times)))
      stream.write(`▲ ${titleOf(finding.code)}  ${finding.scope}   seen ${times} times (${finding.id})\n`)
  }
}
