/**
 * Returns one value for each of the last seconds, oldest first; `null` for a second without a value, which is
 * not 0.
 *
 * @param at - The end, in milliseconds since 1970.
 */
export function secondsOf(
  points: readonly (readonly [at: number, value: number])[],
  at: number,
  seconds: number,
): readonly (number | null)[] {
  const end = Math.floor(at / 1_000)
  const values = new Array<number | null>(seconds).fill(null)
  for (const [when, value] of points) {
    const index = seconds - 1 - (end - Math.floor(when / 1_000))
    if (index >= 0 && index < seconds) values[index] = value
  }
  return values
}

/**
 * Returns the line of a sparkline as an SVG path. A single value between gaps is a short dash. The axis
 * starts at 0, or at the lowest negative value.
 *
 * @param maxGap - Distance of two values up to which they are connected. A longer one is a gap.
 */
export function sparklinePath(
  values: readonly (number | null)[],
  width: number,
  height: number,
  maxGap: number,
): string {
  const present = values.filter((value): value is number => value !== null)
  if (present.length === 0 || values.length < 2) return ''
  const top = Math.max(0, ...present)
  const bottom = Math.min(0, ...present)
  const range = top - bottom || 1
  const step = width / (values.length - 1)
  let path = ''
  let last = Number.NEGATIVE_INFINITY
  for (const [index, value] of values.entries()) {
    if (value === null) continue
    const x = round(index * step)
    const y = round(height - ((value - bottom) / range) * height)
    if (index - last <= maxGap) path += `L${x} ${y}`
    else {
      const isAlone = values.slice(index + 1, index + 1 + maxGap).every((next) => next === null)
      path += `M${x} ${y}${isAlone ? 'h1' : ''}`
    }
    last = index
  }
  return path
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
