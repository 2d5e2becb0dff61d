import { plainLine } from '@sluice/core/siblings'
import { boundOf, type MissedStatements, savedOf, type YieldReport } from '@sluice/core/yield'
import { count, counted, cut, duration, type Paint, percent, wrapped } from './cells.ts'

interface Shown {
  readonly processes: number
  readonly paint: Paint
  readonly width: number
}

/** Reasons with a smaller share of the statements are only counted. */
const LEAST = 0.005
const MOST_REASONS = 10
const INDENT = ' '.repeat(6)

/** Formats an estimate for a terminal. Ends with a line break. */
export function yieldReport(report: YieldReport, { processes, paint, width }: Shown): string {
  const { statements, durationMs, ideal, optimize, ttl, byTtl, missed } = report
  const parts = [`${count(statements)} statements in ${duration(durationMs)}`]
  if (processes > 1) parts.push(`${processes} processes`)
  const share = (value: number) => percent(value / statements).padStart(4)
  const list = (all: readonly (readonly [number, string])[]) =>
    all.flatMap(([value, what]) => (value === 0 ? [] : [`${count(value)} ${what}`])).join(', ')
  const saved = savedOf(report)
  const lines = [
    `${paint('bold', 'sluice yield')}   ${parts.join(' · ')}`,
    '',
    ...entry(`${paint('green', share(saved))}  optimize saves ${count(saved)}`, width, [
      list([
        [optimize.cached, 'cached'],
        [optimize.batched, 'batched'],
        [optimize.prefetched, 'prefetched'],
      ]),
    ]),
    ...entry(`${share(boundOf(report))}  at most ${count(boundOf(report))}`, width, [
      list([
        [ideal.cached, `by an ideal cache (${count(ideal.cachedWithinTtl)} within cache.ttl: ${ttl})`],
        [ideal.batched, 'by ideal batching'],
        [ideal.frames, 'BEGIN and COMMIT'],
      ]),
    ]),
    ...byTtl
      .filter((longer) => longer.saved > saved)
      .map((longer) => `${share(longer.saved)}  with cache.ttl: ${longer.ttl}`),
  ]
  const shown = missed.filter((one) => one.statements >= statements * LEAST).slice(0, MOST_REASONS)
  if (shown.length > 0) lines.push('', paint('bold', 'Not saved'))
  for (const one of shown) lines.push(...missedLines(one, share(one.statements), { paint, width }))
  const rest = missed.reduce((sum, one) => sum + (shown.includes(one) ? 0 : one.statements), 0)
  if (rest > 0) lines.push(`${share(rest)}  ${counted(missed.length - shown.length, 'other reason')}`)
  return `${lines.join('\n')}\n`
}

function missedLines(
  { reason, text, advice, page, examples }: MissedStatements,
  share: string,
  { paint, width }: Pick<Shown, 'paint' | 'width'>,
): readonly string[] {
  const [example] = examples
  const room = width - INDENT.length
  const lines = wrapped(`${plainLine(text)} (${plainLine(reason)})`, room)
  if (example !== undefined) lines.push(paint('dim', cut(plainLine(example.label), room)))
  if (advice !== undefined)
    lines.push(
      ...wrapped(`fix: ${plainLine(advice)}${page === undefined ? '' : ` See ${plainLine(page)}.`}`, room),
    )
  return lines.map((line, at) => (at === 0 ? `${share}  ${line}` : `${INDENT}${line}`))
}

/** A line with details, which follow on separate lines if there is no room. */
function entry(head: string, width: number, details: readonly string[]): readonly string[] {
  const text = details.filter((one) => one !== '').join(', ')
  if (text === '') return [head]
  return [`${head}:`, ...wrapped(text, width - INDENT.length).map((line) => `${INDENT}${line}`)]
}
