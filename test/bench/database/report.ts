/** One line of the table at the end of the benchmark. */
export interface BenchFigure {
  readonly id: string
  readonly value: number
  readonly unit:
    | 'ms'
    | 'µs'
    | '%'
    | '×'
    | 'MB/s'
    | 's'
    | 'queries'
    | 'questions'
    | 'indexes'
    | 'requests/s'
    | 'reads'
    | 'tasks/s'
    | 'MB'
    | 'B'
    | 'changes'
    | 'workers'
    | 'answers'
    | 'requests'
    | 'rows'
  /** Without one, the figure is only shown. */
  readonly target?: number
  /** @defaultValue '≤' */
  readonly bound?: '≤' | '≥'
}

function isMet({ value, target, bound = '≤' }: BenchFigure): boolean | undefined {
  if (target === undefined) return undefined
  return bound === '≤' ? value <= target : value >= target
}

export function printFigures(figures: readonly BenchFigure[]): void {
  const width = Math.max(...figures.map(({ id }) => id.length))
  for (const figure of figures) {
    const { id, value, unit, target, bound = '≤' } = figure
    const met = isMet(figure)
    const verdict = met === undefined ? '' : `${met ? 'met   ' : 'MISSED'} (${bound} ${target} ${unit})`
    console.log(`  ${id.padEnd(width)} ${`${shown(value)} ${unit}`.padStart(16)}  ${verdict}`.trimEnd())
  }
}

export function toJson(figure: BenchFigure, area = 'database'): string {
  const { id, value, unit, target } = figure
  return JSON.stringify({ area, id, value, unit, target, ok: isMet(figure) })
}

export function shown(value: number): string {
  if (Number.isInteger(value)) return String(value)
  return value.toFixed(
    Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 0.1 ? 2 : 3,
  )
}
