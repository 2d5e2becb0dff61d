import { formatCallSite } from '../../pipeline/call-site.ts'
import type { Finding } from './finding.ts'

export interface FormatOptions {
  /** ANSI colours. @defaultValue false */
  readonly color?: boolean
  /** Characters in a line; longer SQL is cut, places and fixes never are. @defaultValue 100 */
  readonly width?: number
}

const PAINT = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33', cyan: '36' } as const

/** A finding as a person reads it on a terminal. Ends without a line break. */
export function formatFinding(finding: Finding, options: FormatOptions = {}): string {
  const paint = (style: keyof typeof PAINT, text: string) => (options.color === true ? `\u001b[${PAINT[style]}m${text}\u001b[0m` : text)
  const width = options.width ?? 100
  const ms = `${finding.databaseMs.toFixed(finding.databaseMs < 10 ? 1 : 0)} ms`
  const times = `${finding.count}×`
  const room = Math.max(20, width - times.length - ms.length - 8)
  const label = finding.label.length > room ? `${finding.label.slice(0, room - 1)}…` : finding.label
  const lines = [
    `${paint(finding.severity === 'low' ? 'yellow' : 'red', '▲ N+1')}  ${paint('bold', finding.scope)}   ${finding.queries} queries → ${finding.queriesPossible} possible`,
    `  ${times} ${label}  ${paint('dim', `${ms}, ${finding.pattern}`)}`,
  ]
  const parent = finding.parent
  const after = parent === undefined ? '' : ` after ${parent.label}${parent.callSite === undefined ? '' : ` :${parent.callSite.line}`}`
  if (finding.callSite !== undefined) lines.push(`  at   ${paint('cyan', formatCallSite(finding.callSite))}${after}`)
  else if (after !== '') lines.push(`  ${after.trim()}`)
  if (finding.fix !== undefined) lines.push(`  fix  ${paint('green', finding.fix)}`)
  return lines.join('\n')
}
