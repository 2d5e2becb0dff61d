/** A stretch of time; `end` is the first moment after it. */
export interface Period {
  /** `2026q1`, `2026m01`. */
  readonly name: string
  readonly start: string
  readonly end: string
}

/** Periods that are made at once; what is older goes into the first. */
const MAX_PERIODS = 40

/**
 * The quarters, or months, from one time to another, both included, in UTC.
 *
 * @param from - Milliseconds since 1970, as `to`.
 */
export function periods(from: number, to: number, months: 1 | 3): readonly Period[] {
  const last = Math.floor(monthOf(to) / months)
  const first = Math.max(Math.floor(monthOf(from) / months), last - MAX_PERIODS + 1)
  return Array.from({ length: last - first + 1 }, (_, at) => {
    const start = (first + at) * months
    const year = Math.floor(start / 12)
    const month = (start % 12) + 1
    const name = months === 3 ? `${year}q${Math.ceil(month / 3)}` : `${year}m${String(month).padStart(2, '0')}`
    return { name, start: dayOf(start), end: dayOf(start + months) }
  })
}

function monthOf(time: number): number {
  const date = new Date(time)
  return date.getUTCFullYear() * 12 + date.getUTCMonth()
}

function dayOf(month: number): string {
  return `${Math.floor(month / 12)}-${String((month % 12) + 1).padStart(2, '0')}-01`
}
