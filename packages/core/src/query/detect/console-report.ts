import type { Finding } from './finding.ts'
import { FindingRepeats } from './finding-repeats.ts'
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

/**
 * Prints findings, each once for a scope and shape, with the id of the request, which logs have as well, and with what mutes it; repeats are counted, and the count printed at 10, 100, 1,000 …
 *
 * @param stream - Stderr by default: stdout is for data.
 */
export function createConsoleReport(stream: ReportStream = process.stderr): (finding: Finding) => void {
  const repeats = new FindingRepeats()
  return (finding) => {
    const times = repeats.timesToTell(finding)
    if (times === undefined) return
    if (times > 1) {
      stream.write(`▲ ${titleOf(finding.code)}  ${finding.scope}   seen ${times} times (${finding.id})\n`)
      return
    }
    const more = finding.requestId === undefined ? '' : `  more request ${finding.requestId}\n`
    const text = formatFinding(finding, { color: wantsColor(stream), width: stream.columns ?? 100 })
    stream.write(`${text}\n${more}  mute npx sluice ignore ${finding.id}\n`)
  }
}
