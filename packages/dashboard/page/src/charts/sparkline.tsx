import type { Point } from '../../../src/protocol/index.ts'
import { secondsOf, sparklinePath } from './sparkline-path.ts'

const WIDTH = 240
const HEIGHT = 32

/** The last two minutes in a line, without an axis: the figure beside it says how much. */
export function Sparkline({ points, at }: { points: readonly Point[]; at: number }) {
  const path = sparklinePath(secondsOf(points, at, 120), WIDTH, HEIGHT)
  return (
    <svg class="sparkline" viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} preserveAspectRatio="none" aria-hidden="true">
      <path class="sparkline-base" d={`M0 ${HEIGHT}h${WIDTH}`} />
      <path d={path} />
    </svg>
  )
}
