import { plainLine } from '@sluice/core/siblings'
import type { BodyComparison } from '../bench/body-log.ts'
import type { Comparison, Figure, Metric } from '../bench/round-statistics.ts'
import type { RouteResult } from '../bench/run-bench.ts'
import { decimal, rate } from '../top/columns.ts'
import { cell, counted, cut, type Paint, packed, wrapped, wrappedHard } from './cells.ts'

export interface BenchRun {
  readonly address: string
  /** URL of the second app. */
  readonly reference: string | undefined
  /** Path of the baseline. */
  readonly baseline: string | undefined
  readonly connections: number
  readonly rounds: number
  readonly durationMs: number
  readonly results: readonly RouteResult[]
}

interface Row {
  readonly metric: Metric
  readonly title: string
  readonly show: (value: number) => string
  /** Words for a ratio above 1 and below 1. */
  readonly words: readonly [more: string, less: string]
}

const ROWS: readonly Row[] = [
  { metric: 'requestsPerSecond', title: 'requests/s', show: rate, words: ['more', 'fewer'] },
  { metric: 'p50', title: 'p50 ms', show: decimal, words: ['slower', 'faster'] },
  { metric: 'p95', title: 'p95 ms', show: decimal, words: ['slower', 'faster'] },
  { metric: 'p99', title: 'p99 ms', show: decimal, words: ['slower', 'faster'] },
  { metric: 'queries', title: 'queries/request', show: decimal, words: ['more', 'fewer'] },
  { metric: 'databaseMs', title: 'DB ms/request', show: decimal, words: ['more', 'less'] },
]

const STYLES = { better: 'green', worse: 'red', noise: 'dim' } as const

/** Formats a benchmark for a terminal. Ends with a line break. */
export function benchReport(
  run: BenchRun,
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string {
  const { address, reference, baseline, connections, rounds, durationMs, results } = run
  const against =
    reference === undefined ? (baseline === undefined ? '' : ` against ${baseline}`) : ` against ${reference}`
  const how = `${counted(connections, 'connection')} · ${counted(rounds, 'round')} of ${decimal(durationMs / rounds / 1_000)} s`
  const whole = `${address}${against} · ${how}`
  const lines =
    whole.length + 15 <= width
      ? [whole]
      : [...packed([address, ...(against === '' ? [] : [against.trim()])], width - 15, ' '), how]
  const head = `${paint('bold', 'sluice bench')}   ${lines.join(`\n${' '.repeat(15)}`)}`
  return `${[head, ...results.flatMap((result) => ['', ...routeLines(result, run, { paint, width })])].join('\n')}\n`
}

function routeLines(
  result: RouteResult,
  run: BenchRun,
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string[] {
  const { route, own, other, comparisons, bodies } = result
  const titles =
    other === undefined
      ? ''
      : `${cell('--url', 14, 'right')}${cell(run.reference === undefined ? 'baseline' : '--compare', 16, 'right')}`
  const name = cut(route, width)
  const lines = [name.length > 18 && other !== undefined ? paint('bold', name) : undefined]
  lines.push(
    `${name.length > 18 && other !== undefined ? ' '.repeat(20) : paint('bold', cell(name, other === undefined ? name.length : 20))}${titles}`.trimEnd(),
  )
  for (const { metric, title, show, words } of ROWS) {
    const figure = own.figures[metric]
    if (figure === undefined && other?.figures[metric] === undefined) continue
    const comparison = comparisons[metric]
    const right =
      other === undefined
        ? ''
        : cell(
            figureText(other.figures[metric], show, run.reference === undefined ? undefined : run.rounds),
            16,
            'right',
          )
    const row = `  ${cell(title, 18)}${cell(figureText(figure, show, run.rounds), 14, 'right')}${right}`
    const compared =
      comparison === undefined
        ? ''
        : `   ${paint(STYLES[comparison.verdict], cut(comparisonText(comparison, words), width - row.length - 3))}`
    lines.push(`${row}${compared}`.trimEnd())
  }
  if (own.errors > 0 || (other?.errors ?? 0) > 0) {
    const first = own.firstError ?? other?.firstError
    const right = other === undefined ? '' : cell(rate(other.errors), 16, 'right')
    const text = `  ${cell('errors', 18)}${cell(rate(own.errors), 14, 'right')}${right}   ${plainLine(first ?? '')}`
    lines.push(paint('red', cut(text.trimEnd(), width)))
  }
  if (own.figures.queries === undefined)
    lines.push(
      ...wrapped(
        'No Server-Timing header, so the queries are unknown. Set serverTiming: true in the middleware.',
        width - 2,
      ).map((line) => paint('dim', `  ${line}`)),
    )
  if (bodies !== undefined)
    lines.push(
      ...wrappedHard(bodyText(bodies), width - 2).map(
        (line) =>
          `  ${bodies.kind === 'equal' ? paint('green', line) : paint(bodies.kind === 'different' ? 'red' : 'yellow', line)}`,
      ),
    )
  return lines.filter((line) => line !== undefined)
}

/** `1,208 ±3%`. One round has no spread. A baseline does not contain its number of rounds. */
function figureText(
  figure: Figure | undefined,
  show: (value: number) => string,
  rounds: number | undefined,
): string {
  if (figure === undefined) return '–'
  const { median, least, most } = figure
  const spread = median === 0 ? 0 : Math.round(((most - least) / 2 / median) * 100)
  return `${show(median)} ${(rounds === 1 ? '–' : `±${spread}%`).padStart(5)}`
}

/** `3.0× more (2.8–3.2)`, `12% faster`, `within noise`. */
function comparisonText({ ratio, verdict }: Comparison, [more, less]: readonly [string, string]): string {
  if (verdict === 'noise')
    return ratio.median === 1 && ratio.least === 1 && ratio.most === 1
      ? 'equal'
      : `within noise (${times(ratio.least)}–${times(ratio.most)}×)`
  const isMore = ratio.median > 1
  const factor = isMore ? ratio.median : 1 / ratio.median
  const word = isMore ? more : less
  if (!Number.isFinite(factor)) return word
  return factor >= 1.5
    ? `${times(factor)}× ${word}`
    : `${Math.round(Math.abs(ratio.median - 1) * 100)}% ${word}`
}

function times(value: number): string {
  return value >= 10 ? rate(value) : value >= 1.5 ? value.toFixed(1) : value.toFixed(2)
}

/** Describes whether the responses are the expected ones. A faster wrong response is not an improvement. */
function bodyText(bodies: BodyComparison): string {
  const of = rate(bodies.of)
  if (bodies.kind === 'equal') return `bodies equal: ${of} of ${of}`
  const { at } = bodies
  if (bodies.kind === 'varying')
    return `bodies not comparable: those of --compare differ from each other${at === undefined ? '' : ` at ${plainLine(at.path)}: --ignore-path ${plainLine(at.path).replace(/^\$\.?/, '')}`}`
  const where =
    at === undefined
      ? ''
      : `; first at ${at.path}: ${at.left ?? 'nothing'}, --compare has ${at.right ?? 'nothing'}`
  return plainLine(`BODIES DIFFER: ${rate(bodies.different)} of ${of}${where}`)
}

/** Formats a benchmark as Markdown, for a comment on a pull request. */
export function benchMarkdown({
  results,
  reference,
  baseline,
  connections,
  rounds,
  durationMs,
}: BenchRun): string {
  const against = reference === undefined && baseline === undefined ? '' : ', as before → now'
  const head = `### sluice bench\n\n${counted(connections, 'connection')}, ${counted(rounds, 'round')} of ${decimal(durationMs / rounds / 1_000)} s${against}.\n\n`
  const titles = ['route', ...ROWS.map(({ title }) => title), 'errors', 'bodies']
  const rows = results.map(({ route, own, other, comparisons, bodies }) => {
    const cells = ROWS.map(({ metric, show, words }) => {
      const [now, before, comparison] = [own.figures[metric], other?.figures[metric], comparisons[metric]]
      if (now === undefined) return '–'
      const text = before === undefined ? show(now.median) : `${show(before.median)} → ${show(now.median)}`
      return comparison === undefined ? text : `${text} (${comparisonText(comparison, words)})`
    })
    return [
      `\`${plainLine(route).replaceAll('|', '\\|')}\``,
      ...cells,
      String(own.errors),
      bodies === undefined ? '' : bodyText(bodies).replaceAll('|', '\\|'),
    ]
  })
  return `${head}${[titles, ['---', ...Array<string>(titles.length - 1).fill('---:')], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`
}
