import { NONE } from './numbers.ts'

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
