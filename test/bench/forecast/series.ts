import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Random } from '../../support/random.ts'
import { median } from '../harness.ts'

/** A load over time, one value per step. */
export interface Series {
  readonly name: string
  readonly stepMinutes: number
  /** `NaN` if a value is missing. */
  readonly values: Float64Array
}

const MINUTE_MS = 60_000
const DAY_MINUTES = 1440
const HEADER = /^timestamp,value\s*$/
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:?\d{2})?$/

/**
 * Reads all CSV files of a folder whose first line is `timestamp,value`.
 *
 * @throws Error at an invalid line, and if there is no such file.
 */
export function readFolder(folder: string): Series[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.csv'))
    .sort()
  const series = files.flatMap((file) => readFile(join(folder, file)) ?? [])
  if (series.length === 0) throw new Error(`${folder} has no CSV file that begins with "timestamp,value".`)
  return series
}

export function readFile(path: string): Series | undefined {
  const [header = '', ...lines] = readFileSync(path, 'utf8').split('\n')
  if (!HEADER.test(header)) {
    console.error(`${path} is skipped: its first line is not "timestamp,value".`)
    return undefined
  }
  const rows = lines.filter((line) => line.trim() !== '').map((line, at) => rowOf(line, `${path}:${at + 2}`))
  const [first] = rows
  if (first === undefined || rows.length < 3) throw new Error(`${path} has fewer than three values.`)
  const steps = rows.slice(1).map(({ ms }, at) => ms - (rows[at]?.ms ?? 0))
  const stepMinutes = Math.round(median(steps) / MINUTE_MS)
  if (stepMinutes < 1 || DAY_MINUTES % stepMinutes !== 0)
    throw new Error(`${path}: expected steps of minutes that divide a day.`)
  const indexes = rows.map(({ ms }) => Math.round((ms - first.ms) / (stepMinutes * MINUTE_MS)))
  const values = new Float64Array(Math.max(...indexes) + 1).fill(Number.NaN)
  for (const [at, { value }] of rows.entries()) values[indexes[at] ?? 0] = value
  return { name: basename(path, '.csv'), stepMinutes, values }
}

function rowOf(line: string, place: string): { readonly ms: number; readonly value: number } {
  const [timestamp = '', text = ''] = line.trim().split(',')
  const [, day, time, zone = 'Z'] = TIMESTAMP.exec(timestamp) ?? []
  const ms = Date.parse(`${day}T${time}${zone}`)
  const value = Number(text)
  if (Number.isNaN(ms) || text === '' || !Number.isFinite(value))
    throw new Error(`${place}: expected "timestamp,value", got "${line.trim()}".`)
  return { ms, value }
}

/**
 * Synthetic loads, the same in every run: daily, aperiodic, with jumps, with a custom period, sparse, idle
 * with bursts, and growing by 30% per day.
 */
export function syntheticSeries(days: number): Series[] {
  return [
    daily(days),
    wandering(days),
    stepped(days),
    periodic(days),
    sparse(days),
    bursts(days),
    growing(days),
  ]
}

/** A daily load that triples at a step. */
export function tripledSeries(days: number, at: number): Series {
  return made(
    'synthetic daily × 3',
    days,
    (step, random) => (step >= at ? 3 : 1) * dayOf(step) * Math.exp(0.03 * normal(random)),
  )
}

type Draw = (step: number, random: Random) => number

const STEP_MINUTES = 5
const STEPS_A_DAY: number = DAY_MINUTES / STEP_MINUTES

function made(name: string, days: number, draw: Draw): Series {
  const random = new Random(11)
  return {
    name,
    stepMinutes: STEP_MINUTES,
    values: Float64Array.from({ length: days * STEPS_A_DAY }, (_, step) => draw(step, random)),
  }
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}

function dayOf(step: number): number {
  const day = (2 * Math.PI * step) / STEPS_A_DAY
  return 200 + 120 * Math.sin(day) + 40 * Math.sin(2 * day + 1)
}

function dayAndWeek(step: number): number {
  const isWeekend = Math.floor(step / STEPS_A_DAY) % 7 >= 5
  return dayOf(step) * (isWeekend ? 0.7 : 1)
}

function daily(days: number): Series {
  return made('synthetic daily', days, (step, random) => dayAndWeek(step) * Math.exp(0.06 * normal(random)))
}

function wandering(days: number): Series {
  let log = 0
  return made('synthetic wandering', days, (_, random) => {
    log += 0.04 * normal(random) - 0.002 * log
    return 100 * Math.exp(log)
  })
}

function stepped(days: number): Series {
  return made('synthetic steps', days, (step, random) => {
    const level = [1, 3, 1.5][Math.floor(step / (3.4 * STEPS_A_DAY)) % 3] ?? 1
    return level * dayAndWeek(step) * Math.exp(0.06 * normal(random))
  })
}

function periodic(days: number): Series {
  const period = 50 / STEP_MINUTES
  return made(
    'synthetic period',
    days,
    (step, random) => (step % period < 3 ? 90 : 30) * Math.exp(0.05 * normal(random)),
  )
}

function sparse(days: number): Series {
  return made('synthetic sparse', days, (step, random) => {
    const mean = 2 + 1.5 * Math.sin((2 * Math.PI * step) / STEPS_A_DAY)
    let count = -1
    for (let chance = 1; chance > Math.exp(-mean); chance *= random.next()) count += 1
    return count
  })
}

/** Nothing, except for a burst of random height and length about every 4 hours. */
function bursts(days: number): Series {
  let height = 0
  let left = 0
  return made('synthetic bursts', days, (_, random) => {
    left -= 1
    if (random.chance(1 / 48)) {
      left = 1 + random.below(12)
      height = 1000 * Math.exp(normal(random))
    }
    return left > 0 ? height * Math.exp(0.1 * normal(random)) : 0
  })
}

function growing(days: number): Series {
  return made(
    'synthetic growth',
    days,
    (step, random) => 1.3 ** (step / STEPS_A_DAY) * dayOf(step) * Math.exp(0.06 * normal(random)),
  )
}
