/** A point in pixels. A missing value is `null`, which is not 0. */
export type PathPoint = readonly [x: number, y: number | null]

/**
 * Returns a line as an SVG path. A missing value interrupts it. A single point is a short dash.
 *
 * @param maxGap - Distance of two points up to which they are connected, in pixels.
 */
export function linePath(points: readonly PathPoint[], maxGap = Number.POSITIVE_INFINITY): string {
  const isConnected = (left: PathPoint | undefined, right: PathPoint | undefined) =>
    left !== undefined &&
    right !== undefined &&
    left[1] !== null &&
    right[1] !== null &&
    right[0] - left[0] <= maxGap
  return points
    .map((point, index) => {
      const [x, y] = point
      if (y === null) return ''
      if (isConnected(points[index - 1], point)) return `L${rounded(x)} ${rounded(y)}`
      return `M${rounded(x)} ${rounded(y)}${isConnected(point, points[index + 1]) ? '' : 'h1'}`
    })
    .join('')
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
