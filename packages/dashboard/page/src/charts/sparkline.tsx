import type { Point } from '../../../src/protocol/index.ts'
import { linePath } from './chart-data.ts'

const WIDTH = 240
const HEIGHT = 48
const SECONDS = 120

interface SparklineProps {
  readonly points: readonly Point[]
  /** The end, in milliseconds since 1970. */
  readonly at: number
  /** Seconds without a value that the line crosses. */
  readonly gap: number
}

/** A line of the last 2 minutes, from 0 to the largest value. The numbers next to it show the scale. */
export function Sparkline({ points, at, gap }: SparklineProps) {
  const second = WIDTH / (SECONDS - 1)
  const most = mostOf(points) || 1
  const line = points.map(
    ([when, value]) =>
      [WIDTH - (Math.floor(at / 1_000) - when / 1_000) * second, HEIGHT - (value / most) * HEIGHT] as const,
  )
  return (
    <svg
      class="sparkline"
      viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path class="sparkline-base" d={`M0 ${HEIGHT}h${WIDTH}`} />
      <path
        d={linePath(
          line.filter(([x]) => x >= 0),
          gap * second,
        )}
      />
    </svg>
  )
}

/** The largest value; 0 without values. */
export function mostOf(points: readonly Point[]): number {
  return Math.max(0, ...points.map(([, value]) => value))
}
