import type { Point } from '../../../src/protocol/index.ts'
import { secondsOf, sparklinePath } from './sparkline-path.ts'

const WIDTH = 240
const HEIGHT = 32

interface SparklineProps {
  readonly points: readonly Point[]
  readonly at: number
  /** Seconds without a value that the line crosses. */
  readonly gap: number
}

/** A line of the last 2 minutes without an axis. The number next to it shows the value. */
export function Sparkline({ points, at, gap }: SparklineProps) {
  const path = sparklinePath(secondsOf(points, at, 120), WIDTH, HEIGHT, gap)
  return (
    <svg
      class="sparkline"
      viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path class="sparkline-base" d={`M0 ${HEIGHT}h${WIDTH}`} />
      <path d={path} />
    </svg>
  )
}
