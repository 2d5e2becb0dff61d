import { formatCallSite } from '@sluice/core'
import { outcomeOf, plainLine, titleOf } from '@sluice/core/siblings'
import { registerClientNames } from '../run/register-clients.ts'
import type { RunFinding, RunResult } from '../run/run-findings.ts'
import { cell, counted, type Paint, widthOf, wrapped } from './cells.ts'

interface Shown {
  readonly paint: Paint
  readonly width: number
}

const TITLE = 'sluice run'
const GAP = '   '
const LEAST_SCOPE = 12

/** Formats the results of a run for a terminal. Ends with a line break. */
export function runReport({ processes, clients, findings }: RunResult, { paint, width }: Shown): string {
  const head = (text: string) => `${paint('bold', TITLE)}${GAP}${text}`
  if (processes === 0) return `${head(nothingAttached())}\n`
  const where = `${counted(processes, 'process', 'processes')} · ${clients.map(plainLine).join(', ')}`
  if (findings.length === 0) return `${head(`no findings in ${where}`)}\n`
  const rows = findings.map((finding) => ({
    finding,
    title: titleOf(finding.code),
    scope: plainLine(finding.scope),
    outcome: outcomeOf(finding, ' →'),
    seen: finding.occurrences === 1 ? 'seen once' : `seen ${counted(finding.occurrences, 'time')}`,
  }))
  const widest = (of: 'title' | 'scope' | 'outcome' | 'seen') =>
    Math.max(...rows.map((row) => widthOf(row[of])))
  const [title, outcome] = [widest('title'), widest('outcome')]
  const room = width - title - outcome - widest('seen') - 3 * GAP.length
  const scope = Math.max(LEAST_SCOPE, Math.min(widest('scope'), room))
  const lines = rows.flatMap((row) => [
    [
      paint(row.finding.severity === 'low' ? 'yellow' : 'red', cell(row.title, title)),
      paint('bold', cell(row.scope, scope)),
      cell(row.outcome, outcome),
      row.seen,
    ].join(GAP),
    ...detailsOf(row.finding, { paint, width }, title + GAP.length),
  ])
  return `\n${[head(`${counted(findings.length, 'finding')} in ${where}`), '', ...lines].join('\n')}\n`
}

/** The call site and the fix are never truncated. */
function detailsOf({ callSite, fix }: RunFinding, { paint, width }: Shown, indent: number): string[] {
  const lead = ' '.repeat(indent)
  const at = callSite === undefined ? [] : [paint('cyan', plainLine(formatCallSite(callSite)))]
  const lines = fix === undefined ? [] : wrapped(plainLine(fix), width - indent - 'fix  '.length)
  return [
    ...at.map((place) => `${lead}at   ${place}`),
    ...lines.map((line, index) => `${lead}${index === 0 ? 'fix  ' : '     '}${paint('green', line)}`),
  ]
}

function nothingAttached(): string {
  return (
    `Sluice attached to no client. It looks for ${registerClientNames} in node_modules. Likely reasons: another client or ` +
    'an unsupported version, an app that is bundled with its client, or no code that uses it. Run npx sluice doctor'
  )
}
