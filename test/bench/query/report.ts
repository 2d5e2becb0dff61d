import { type Figure, median } from '../harness.ts'
import type { ContenderName, Measured, Sample } from './measure-case.ts'

/** A figure that states on which side of its target it should be. */
export interface QueryFigure extends Figure {
  readonly bound: '≤' | '≥'
}

/** All contenders of one case on one database. */
export interface CaseResult {
  readonly id: string
  readonly title: string
  readonly measured: readonly Measured[]
}

/** The duration of the first contender relative to the second; the median of the rounds, which both share. */
export function timesAsLong({ measured }: CaseResult, slow: ContenderName, fast: ContenderName): number {
  const [above, below] = [samplesOf(measured, slow), samplesOf(measured, fast)]
  if (above.length !== below.length) return medianMs(above) / medianMs(below)
  return median(above.map(({ ms }, round) => ms / (below[round]?.ms ?? Number.NaN)))
}

/** The maximum number of queries in a round of a contender. */
export function mostQueries({ measured }: CaseResult, name: ContenderName): number {
  return Math.max(...samplesOf(measured, name).map(({ queries }) => queries))
}

/** Milliseconds of a contender's round, the median. */
export function msOf({ measured }: CaseResult, name: ContenderName): number {
  return medianMs(samplesOf(measured, name))
}

const HEADER = [
  '',
  'queries',
  'ms',
  'CPU ms',
  'bare ÷ this',
  'this ÷ include',
  'keys ahead',
  'used',
  'blocked',
]
const WIDTHS = [22, 12, 11, 9, 13, 16, 12, 8, 9]

export function printHeader(): void {
  printRow(HEADER)
}

export function printCase(result: CaseResult): void {
  console.log(`  ${result.title}`)
  for (const { name, samples } of result.measured) {
    const asks = samples.some(({ keys }) => keys > 0)
    const mean = (of: (sample: Sample) => number) =>
      round(samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length)
    printRow([
      `  ${name}`,
      rangeOf(samples.map(({ queries }) => queries)),
      medianMs(samples).toFixed(2),
      median(samples.map(({ cpuMs }) => cpuMs)).toFixed(2),
      ratioText(timesAsLong(result, 'bare', name)),
      ratioText(timesAsLong(result, name, 'include by hand')),
      ...(asks ? [mean(({ keys }) => keys), mean(({ used }) => used), mean(({ blocked }) => blocked)] : []),
    ])
  }
}

export function printFigures(figures: readonly QueryFigure[]): void {
  for (const { id, value, unit, target, bound, ok } of figures) {
    console.log(
      `  ${ok ? 'met   ' : 'MISSED'} ${id}: ${round(value)} ${unit} (target ${bound} ${target} ${unit})`,
    )
  }
}

function printRow([name = '', ...cells]: readonly string[]): void {
  console.log(
    `  ${name.padEnd(WIDTHS[0] ?? 0)}${cells.map((cell, at) => cell.padStart(WIDTHS[at + 1] ?? 0)).join('')}`.trimEnd(),
  )
}

function samplesOf(measured: readonly Measured[], name: ContenderName): readonly Sample[] {
  return measured.find((one) => one.name === name)?.samples ?? []
}

function medianMs(samples: readonly Sample[]): number {
  return median(samples.map(({ ms }) => ms))
}

function rangeOf(counts: readonly number[]): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  return least === most ? String(most) : `${least}–${most}`
}

function ratioText(ratio: number): string {
  return Number.isNaN(ratio) ? '' : ratio.toFixed(2)
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100)
}
