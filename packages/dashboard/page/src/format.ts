import type { FindingCode, RequestSummary, WaterfallRow } from '../../src/protocol/index.ts'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const oneDigit = new Intl.NumberFormat('en-US', { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 })

/** Shown for a missing value, which is not zero. */
export const NONE = '–'

/** Formats `1,204`; from 10,000, `12.3k` or `1.2M`. */
export function count(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NONE
  return Math.abs(value) >= 1e4 ? short.format(value).replace('K', 'k') : whole.format(value)
}

/** The value of a shortened number with all digits; `undefined` if it is not shortened. */
export function exact(value: number): string | undefined {
  return value < 1e4 ? undefined : whole.format(value)
}

/** Formats a number with one decimal below 10, otherwise without decimals. */
export function amount(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NONE
  return Math.abs(value) < 10 && !Number.isInteger(value) ? oneDigit.format(value) : count(value)
}

/** Formats milliseconds as `0.4 ms`, `38 ms`, `1.24 s` or `3 min 20 s`. */
export function duration(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return NONE
  if (ms === 0) return '0 ms'
  if (ms < 0.1) return '<0.1 ms'
  if (ms < 9.95) return `${oneDigit.format(ms)} ms`
  if (ms < 999.5) return `${whole.format(ms)} ms`
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`
  if (ms < 59_950) return `${oneDigit.format(ms / 1000)} s`
  const seconds = Math.round(ms / 1000)
  return span(seconds)
}

/** Formats seconds with at most two units: `45 s`, `3 min 20 s`, `2 h 5 min`, `4 d 2 h`. */
export function span(seconds: number): string {
  const rounded = Math.max(0, Math.round(seconds))
  const units: readonly (readonly [number, string])[] = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
    [1, 's'],
  ]
  const first = units.findIndex(([size]) => rounded >= size)
  if (first === -1) return '0 s'
  const [size = 1, unit = 's'] = units[first] ?? []
  const [nextSize = 1, nextUnit = ''] = units[first + 1] ?? []
  const rest = nextUnit === '' ? 0 : Math.floor((rounded % size) / nextSize)
  const head = `${Math.floor(rounded / size)} ${unit}`
  return rest === 0 ? head : `${head} ${rest} ${nextUnit}`
}

/** Formats a share from 0 to 1 as `91%`. Values close to 0 and 1 are `<1%` and `>99%`. */
export function percent(share: number | undefined): string {
  if (share === undefined || !Number.isFinite(share)) return NONE
  const value = share * 100
  if (value > 0 && value < 1) return '<1%'
  if (value > 99 && value < 100) return '>99%'
  return `${whole.format(value)}%`
}

/** Formats `16 MB`, with a base of 1,024. */
export function bytes(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return NONE
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let size = Math.max(0, value)
  let unit = 0
  while (size >= 1023.5 && unit < units.length - 1) {
    size /= 1024
    unit += 1
  }
  return `${unit > 0 && size < 9.95 ? oneDigit.format(size) : whole.format(size)} ${units[unit]}`
}

/** Formats `1 query`, `2 queries`. */
export function plural(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

/** Formats a number with its unit: `42%`, `38 ms`, `12`. */
export function withUnit(value: number | undefined, unit: string): string {
  const text = amount(value)
  return unit === '' || text === NONE ? text : unit === '%' ? `${text}%` : `${text} ${unit}`
}

const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const day = new Intl.DateTimeFormat('en-US', { day: 'numeric', month: 'short' })
const full = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeStyle: 'long', hourCycle: 'h23' })

/** Formats the age of a time: `now`, `12 s ago`, `3 min ago`; after 24 hours, the date. */
export function ago(at: number | undefined, now: number): string {
  if (at === undefined) return NONE
  const seconds = Math.floor((now - at) / 1000)
  if (seconds < 2) return 'now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ago`
  return day.format(at)
}

/** `14:03:22` */
export function clockTime(at: number): string {
  return time.format(at)
}

/** `14:03` */
export function clockMinute(at: number): string {
  return clockTime(at).slice(0, 5)
}

/** Formats a time with date and time zone, for tooltips. */
export function fullTime(at: number): string {
  return full.format(at)
}

/** Display names of finding codes. */
export const codeTitles: Readonly<Record<FindingCode, string>> = {
  N_PLUS_ONE: 'N+1',
  REPEATED_QUERY: 'Repeated',
  QUERY_BUDGET: 'Budget',
}

/**
 * The time next to a bar: database time if a query was sent, otherwise the time from start to end.
 * Overlapping queries count once.
 */
export function groupTime({ fill, databaseMs, startMs, endMs }: WaterfallRow): string {
  const ms = endMs - startMs
  return duration(fill === 'database' && databaseMs > 0 ? Math.min(databaseMs, ms) : ms)
}

/** The share of reads in a request that needed no separate query. */
export function savedShare({ queries, batched, prefetched, cacheHits }: RequestSummary): string {
  const saved = batched + prefetched + cacheHits
  return saved === 0 ? '–' : percent(saved / (saved + queries))
}

/** Whether a request failed or has a status of 500 or above. */
export function isError({ failed, statusCode }: Pick<RequestSummary, 'failed' | 'statusCode'>): boolean {
  return failed || (statusCode ?? 0) >= 500
}
