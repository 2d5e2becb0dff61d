// How the CPU time of reading a SQL statement grows with its length, for each form of statement and each
// dialect.
import { analyzeSql } from '../../packages/core/src/sql/analyze.ts'
import type { Dialect } from '../../packages/core/src/sql/dialect.ts'
import { MAX_SQL_LENGTH } from '../../packages/core/src/sql/tokenize.ts'
import { type LongStatement, longStatements } from '../support/long-statements.ts'
import { benchOptions, type Figure, median } from './harness.ts'

const DIALECTS: readonly Dialect[] = ['postgresql', 'sqlite', 'mysql']
const LENGTHS = [15_000, 60_000, 240_000] as const
const LONGEST = LENGTHS[2]
/** For the longest statement, on one core of a small server. */
const TARGET_MS = 500
/**
 * 1 is linear, 4 is quadratic. A young generation that holds all tokens keeps the garbage collector out of
 * it, so the script asks for a large one.
 */
const TARGET_GROWTH = 3

interface Row {
  readonly name: string
  readonly ms: readonly number[]
  /** Time per character of the longest statement, relative to a statement with 25% of its length. */
  readonly growth: number
}

/** The statement of a form with about this length. */
function ofLength({ write }: LongStatement, length: number): string {
  let count = 250
  // Numbers among the parts grow with their count.
  for (let times = 0; times < 4; times += 1)
    count = Math.max(1, Math.floor((count * length) / write(count).length))
  return write(count)
}

function cpuMs(sql: string, dialect: Dialect, rounds: number): number {
  return median(
    Array.from({ length: rounds }, (_, round) => {
      // No string is read from memory.
      const text = `${' '.repeat(round)}${sql}`
      const before = process.cpuUsage()
      analyzeSql(text, dialect)
      const { user, system } = process.cpuUsage(before)
      return (user + system) / 1_000
    }),
  )
}

function measure(form: LongStatement, dialect: Dialect, rounds: number): Row {
  const sqls = LENGTHS.map((length) => ofLength(form, length))
  const ms = sqls.map((sql) => cpuMs(sql, dialect, rounds))
  const perCharacter = ms.map((each, at) => each / (sqls[at]?.length ?? 1))
  const [, middle = 0, last = 0] = perCharacter
  return { name: `${form.name} (${dialect})`, ms, growth: last / middle }
}

const { json, quick } = benchOptions()
const rounds = quick ? 3 : 9
const rows = longStatements.flatMap((form) =>
  (form.dialects ?? DIALECTS).map((dialect) => measure(form, dialect, rounds)),
)
const slowest = rows.toSorted((a, b) => (b.ms.at(-1) ?? 0) - (a.ms.at(-1) ?? 0))
const longestMs = rows.map(({ ms }) => ms.at(-1) ?? 0)
/** Below a few milliseconds, the resolution of the clock matters. */
const steepest = rows.filter(({ ms }) => (ms.at(-1) ?? 0) > 20).toSorted((a, b) => b.growth - a.growth)
const refusedMs = cpuMs(`SELECT '${'x'.repeat(MAX_SQL_LENGTH)}'`, 'postgresql', rounds)

const figure = (id: string, value: number, unit: string, target: number): Figure => {
  return { area: 'sql', id, value, unit, target, ok: value <= target, against: {} }
}
const figures = [
  figure(`slowest statement of ${LONGEST} characters`, Math.max(...longestMs), 'ms', TARGET_MS),
  figure(`median statement of ${LONGEST} characters`, median(longestMs), 'ms', TARGET_MS),
  figure(
    'steepest growth per character, from 25% of the length',
    steepest[0]?.growth ?? 0,
    'times',
    TARGET_GROWTH,
  ),
  figure(`statement of more than ${MAX_SQL_LENGTH} characters`, refusedMs, 'ms', 1),
]

if (json) for (const each of figures) console.log(JSON.stringify(each))
else {
  console.log(`Node ${process.version}, CPU time of analyzeSql, medians of ${rounds} rounds`)
  const shown = (values: readonly (string | number)[]) =>
    values.map((value) => String(value).padStart(10)).join('')
  console.log(
    `${'statement'.padEnd(60)}${shown([...LENGTHS.map((length) => `${length / 1_000}k`), 'growth'])}`,
  )
  for (const { name, ms, growth } of slowest)
    console.log(
      `${name.padEnd(60)}${shown([...ms.map((each) => `${each.toFixed(1)} ms`), growth.toFixed(2)])}`,
    )
  for (const { id, value, unit, target, ok } of figures)
    console.log(`${ok ? '✓' : '✗'} ${id}: ${value.toFixed(2)} ${unit} (target: at most ${target})`)
}
