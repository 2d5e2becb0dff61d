import type { PlanStep, PlanSummary } from '@sluice/core/database'
import { count } from './numbers.ts'

/** Rows that are read in no time. */
const FEW = 1_000
/** Rows read for each that is returned. */
const WASTE = 100
const MANY_LOOPS = 1_000

/** What of a plan deserves a look, as sentences; the gravest first. */
export function planWarnings(plan: PlanSummary): string[] {
  return [...scanWarnings(plan), ...plan.steps.flatMap(stepWarnings)]
}

function scanWarnings({ steps, rowsScanned: scanned, rowsReturned: returned }: PlanSummary): string[] {
  const whole = steps.filter(({ access }) => access === 'full-scan')
  const names = [...new Set(whole.map(({ table, name }) => table?.split('.').at(-1) ?? name))].join(' and ')
  if (whole.length > 0 && scanned === undefined) return [`All of ${names} is read; how many rows that are is not known.`]
  if (scanned === undefined || scanned < FEW) return []
  if (returned !== undefined && scanned < returned * WASTE) return []
  const why = whole.length > 0 ? `: no index leads into ${names}` : ''
  if (returned === undefined) return whole.length === 0 ? [] : [`It reads ${rows(scanned)}${why}.`]
  return [`It reads ${rows(scanned)} to return ${rows(returned)}${why}.`]
}

function stepWarnings({ access, name, loops, rows: each }: PlanStep): string[] {
  if (access === 'automatic-index') return [`An index on ${name} is made each time that it runs: make it once.`]
  if (loops === undefined || loops < MANY_LOOPS || access !== 'full-scan') return []
  return [`${name} is read as a whole ${count(loops)} times${each === undefined ? '' : `, ${rows(each)} each`}.`]
}

/** `1 row`, `18,402 rows`. */
export function rows(value: number): string {
  return `${count(Math.round(value))} ${Math.round(value) === 1 ? 'row' : 'rows'}`
}
