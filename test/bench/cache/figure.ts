/** One line of the table at the end of the benchmark. */
export interface CacheFigure {
  readonly name: string
  readonly value: number
  readonly unit: Unit
  /** `undefined`: it is only shown. */
  readonly target?: { readonly atMost: number } | { readonly atLeast: number } | undefined
  /** The same figure of other caches, in the same unit. */
  readonly peers?: Readonly<Record<string, number>>
}

type Unit = '×' | '%' | 'ms' | 'round trips'

function isMet({ value, target }: CacheFigure): boolean | undefined {
  if (target === undefined) return undefined
  return 'atMost' in target ? value <= target.atMost : value >= target.atLeast
}

/** One line for each figure; marks missed targets. */
export function printFigures(figures: readonly CacheFigure[]): void {
  const rows = figures.map((figure) => [
    figure.name,
    targetOf(figure),
    show(figure.value, figure.unit),
    verdictOf(figure),
    peersOf(figure),
  ])
  const table = [['figure', 'target', 'measured', '', 'peers'], ...rows]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  for (const row of table) console.log(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ').trimEnd()) // biome-ignore format: one row
}

export function toJson(figure: CacheFigure): string {
  const { name, value, unit, target, peers } = figure
  return JSON.stringify({ area: 'cache', id: name, value, unit, target, ok: isMet(figure), against: peers })
}

function targetOf({ target, unit }: CacheFigure): string {
  if (target === undefined) return '–'
  return 'atMost' in target ? `≤ ${show(target.atMost, unit)}` : `≥ ${show(target.atLeast, unit)}`
}

function verdictOf(figure: CacheFigure): string {
  const met = isMet(figure)
  return met === undefined ? '' : met ? 'met' : 'missed'
}

function peersOf({ peers = {}, unit }: CacheFigure): string {
  return Object.entries(peers)
    .map(([name, value]) => `${name} ${show(value, unit)}`)
    .join(', ')
}

function show(value: number, unit: Unit): string {
  if (unit === 'round trips') return String(value)
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 || unit === '%' ? 1 : 2
  return unit === '×' ? `${value.toFixed(digits)} ×` : `${value.toFixed(digits)} ${unit}`
}
