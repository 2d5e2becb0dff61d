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
 * Returns the line of a sparkline as an SVG path. Missing values leave gaps. A single value between gaps is a
 * short dash. The axis starts at 0, or at the lowest negative value.
 */
export function sparklinePath(
  values: readonly (number | null)[],
  width: number,
  height: number,
  most?: number,
): string {
  const present = values.filter((value): value is number => value !== null)
  if (present.length === 0 || values.length < 2) return ''
  const top = Math.max(most ?? 0, ...present)
  const bottom = Math.min(0, ...present)
  const range = top - bottom || 1
  const step = width / (values.length - 1)
  let path = ''
  let isOpen = false
  for (const [index, value] of values.entries()) {
    if (value === null) {
      isOpen = false
      continue
    }
    const x = round(index * step)
    const y = round(height - ((value - bottom) / range) * height)
    if (isOpen) path += `L${x} ${y}`
    else {
      const isAlone = (values[index + 1] ?? null) === null
      path += `M${x} ${y}${isAlone ? 'h1' : ''}`
    }
    isOpen = true
  }
  return path
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
