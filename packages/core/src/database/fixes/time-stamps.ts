/**
 * Names of migrations begin with the time in UTC, to the second: `20261125181500`. Each is later than the one before, and than all that
 * are there, so that they run last and in order.
 *
 * @param existing - Names of the migrations that are there.
 */
export function timeStamps(count: number, at: Date, existing: readonly string[]): string[] {
  const latest = existing.map((name) => parse(name)).reduce((left, right) => Math.max(left, right), 0)
  const first = Math.max(Math.floor(at.getTime() / 1000), latest + 1)
  return Array.from({ length: count }, (_, index) => format(first + index))
}

function format(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14)
}

function parse(name: string): number {
  const [, year, month, day, hours, minutes, seconds] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)/.exec(name) ?? []
  const time = Date.parse(`${year}-${month}-${day}T${hours}:${minutes}:${seconds}Z`)
  return Number.isNaN(time) ? 0 : time / 1000
}
