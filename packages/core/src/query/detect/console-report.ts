import type { Finding } from './finding.ts'
import { FindingRepeats } from './finding-book.ts'
import { formatFinding, titleOf } from './format-finding.ts'

export interface ReportStream {
  write(text: string): unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/**
 * Whether to use colors on a stream: `NO_COLOR` and `FORCE_COLOR` take precedence; otherwise, on a terminal.
 */
export function supportsColor(
  stream: ReportStream,
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false
  if (env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '0') return true
  return stream.isTTY === true
}

/**
 * Prints each finding once per scope name, with the id of the request, which is also in the logs, and the
 * command that ignores it. Repeats are counted: the count is printed at 10, 100, 1,000 …, with the severity
 * up to then if it is not low.
 *
 * @param stream - Default: stderr, because stdout is for data.
 */
export function createConsoleReport(stream: ReportStream = process.stderr): (finding: Finding) => void {
  const repeats = new FindingRepeats()
  return (finding) => {
    const times = repeats.timesToReport(finding)
    if (times === undefined) return
    if (times > 1) {
      const { code, id, scope, severity } = finding
      const rating = severity === 'low' ? '' : `, severity ${severity}`
      stream.write(`▲ ${titleOf(code)}  ${scope}   seen ${times} times${rating} (${id})\n`)
      return
    }
    const more = finding.requestId === undefined ? '' : `  more request ${finding.requestId}\n`
    const text = formatFinding(finding, { color: supportsColor(stream), width: stream.columns ?? 100 })
    stream.write(`${text}\n${more}  mute npx sluice ignore ${finding.id}\n`)
  }
}
