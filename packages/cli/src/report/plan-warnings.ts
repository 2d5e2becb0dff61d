import type { PlanStep, PlanSummary } from '@sluice/core/database'
import { count } from './numbers.ts'

/** Rows that are read in no time. */
const FEW = 1_000
/** Rows read for each that is returned. */
const WASTE = 100
const MANY_LOOPS = 1_000

/**
 * What of a plan deserves a look, as sentences; the gravest first.
 *
 * @param sql - The statement: plans do not tell of each condition, and of writes not what for they read.
 */
export function planWarnings(plan: PlanSummary, sql: string): string[] {
  const words = sql.replaceAll(/'[^']*'|"[^"]*"|`[^`]*`|--[^\n]*|\/\*[\s\S]*?\*\//g, ' ')
  return [...scanWarnings(plan, /\b(?:where|on|using|having)\b/i.test(words), isWrite(sql)), ...plan.steps.flatMap(stepWarnings)]
}

/** Whether it changes rows: what such a statement returns says nothing. */
export function isWrite(sql: string): boolean {
  return /^[\s(]*(?:(?:--[^\n]*\n|\/\*[\s\S]*?\*\/)\s*)*(?:insert|update|delete|replace|merge)\b/i.test(sql)
}

function scanWarnings({ steps, rowsScanned: scanned, rowsReturned: returned }: PlanSummary, isChosen: boolean, writes: boolean): string[] {
  const whole = steps.filter(({ access }) => access === 'full-scan')
  const names = [...new Set(whole.map(({ table, name }) => table?.split('.').at(-1) ?? name))].join(' and ')
  if (whole.length > 0 && scanned === undefined) return [`All of ${names} is read; how many rows that are is not known.`]
  if (scanned === undefined || scanned < FEW) return []
  const why = whole.length > 0 && isChosen ? `: no index of ${names} is used` : ''
  if (writes) return why === '' ? [] : [`It reads ${rows(scanned)} to find those that it changes${why}.`]
  if (returned === undefined) return why === '' ? [] : [`It reads ${rows(scanned)}${why}.`]
  return scanned < returned * WASTE ? [] : [`It reads ${rows(scanned)} to return ${rows(returned)}${why}.`]
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
