import { type Figure, median } from './harness.ts'

/** A ratio over several sets of processes. */
export interface Range {
  readonly median: number
  readonly least: number
  readonly most: number
}

export interface RangedFigure extends Figure {
  readonly range: Range
}

export function rangeOf(values: readonly number[]): Range {
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) }
}

/** For example `1.08 [1.05–1.12]`. */
export function formatRange({ median, least, most }: Range): string {
  return `${median.toFixed(2)} [${least.toFixed(2)}–${most.toFixed(2)}]`
}

/** @param sign - Whether a figure must be at most, or at least its target. */
export function printRanged(figures: readonly RangedFigure[], sign: '≤' | '≥'): void {
  for (const { id, range, unit, target, ok } of figures) {
    console.log(
      `  ${ok ? 'met   ' : 'MISSED'} ${id}: ${formatRange(range)} ${unit} (target ${sign} ${target} ${unit})`,
    )
  }
}
