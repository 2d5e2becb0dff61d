import type { Dialect } from '../../sql/dialect.ts'
import type { ConditionNode, QueryTree } from '../../sql/tree/query-tree.ts'
import { createIndexSql } from '../fixes/index-statements.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { ColumnSnapshot } from '../inspectors/database-snapshot.ts'
import { indexNameOf } from '../names.ts'
import {
  blocksOf,
  columnIn,
  conditionsOf,
  eachCondition,
  type FoundColumn,
  type Rewrite,
  type RewriteSource,
  SqlParts,
} from './rewrite.ts'
import { type Period, readTimeCall, type TimeCall } from './time-calls.ts'

/** A function around a column hides it from its index; a range of the column says the same. */
export function functionToRange(source: RewriteSource): readonly Rewrite[] {
  const { tree } = source
  const found: Rewrite[] = []
  for (const block of blocksOf(tree.root)) {
    for (const condition of eachCondition(conditionsOf(block))) {
      const call = readTimeCall(tree, condition)
      const column = call === undefined ? undefined : foundColumn(source, block, call)
      if (call === undefined || column === undefined || !isOwnColumnOnly(condition)) continue
      const rewrite = rewritten(source, condition, call, column)
      if (rewrite !== undefined) found.push(rewrite)
    }
  }
  return found
}

/** Whether a condition names no column but the function's. */
function isOwnColumnOnly(condition: ConditionNode): boolean {
  if (condition.kind === 'opaque') return condition.columns.length === 1 && condition.subqueries.length === 0
  return condition.kind === 'comparison' && condition.other === undefined && condition.dependsOn === undefined
}

function foundColumn(
  { tree, index }: RewriteSource,
  block: Parameters<typeof columnIn>[0],
  { column: range }: TimeCall,
): FoundColumn | undefined {
  const names = tree.tokens.slice(range.start, range.end).filter(({ text }) => text !== '.')
  const folded = names.map(({ kind, text }) =>
    kind === 'word' && tree.dialect === 'postgresql' ? text.toLowerCase() : text,
  )
  const [column = '', table] = [folded.at(-1), folded.at(-2)]
  const found = columnIn(block, table === undefined ? { column } : { table, column }, index)
  const isTime =
    found?.column.type === 'datetime' || (tree.dialect === 'sqlite' && found?.column.type === 'text')
  return isTime ? found : undefined
}

function rewritten(
  source: RewriteSource,
  condition: ConditionNode,
  call: TimeCall,
  found: FoundColumn,
): Rewrite | undefined {
  const { tree } = source
  const parts = new SqlParts(tree)
  const column = parts.text(call.column)
  const ends = call.values.map((value) =>
    periodEnds(call, parts.text(value), { dialect: tree.dialect, column: found.column }),
  )
  if (!ends.every((end) => end !== undefined)) return undefined
  const [first, last] = [ends[0], ends.at(-1)] as [PeriodEnds, PeriodEnds]
  const text = rangeText(column, call.operator, first, last)
  const caveats = [...new Set(ends.flatMap((end) => end.caveats))]
  if (tree.dialect === 'mysql' && hasParameter(tree, call) && text.split('?').length > call.values.length + 1)
    caveats.push('The value is bound twice.')
  const { indexes, ddl } = indexFor(source, found)
  return {
    rule: 'function-to-range',
    title: `A range of ${found.column.name} instead of a function of it`,
    before: tree.sql,
    after: parts.all([{ start: condition.start, end: condition.end, text: `(${text})` }]),
    ddl,
    indexes,
    isEquivalent: caveats.length === 0,
    why: `An index on ${found.column.name} is ordered by its values, and does not contain the results of ${call.name}().`,
    caveats,
  }
}

function hasParameter({ tokens }: QueryTree, { values }: TimeCall): boolean {
  return values.some(({ start, end }) => tokens.slice(start, end).some(({ kind }) => kind === 'parameter'))
}

/** A range from the first value's period to the last value's. */
function rangeText(
  column: string,
  operator: TimeCall['operator'],
  { low, next }: PeriodEnds,
  last: PeriodEnds,
): string {
  switch (operator) {
    case '=':
    case 'between':
      return `${column} >= ${low} AND ${column} < ${last.next}`
    case '>=':
      return `${column} >= ${low}`
    case '>':
      return `${column} >= ${next}`
    case '<':
      return `${column} < ${low}`
    case '<=':
      return `${column} < ${next}`
  }
}

/** The index that the range needs, if there is none. */
function indexFor(
  { index: { snapshot } }: RewriteSource,
  { table, column }: FoundColumn,
): Required<Pick<Rewrite, 'indexes' | 'ddl'>> {
  const isIndexed = table.indexes.some(({ keys }) =>
    keys.some((key) => key.column === column.name && key.expression === undefined),
  )
  if (isIndexed) return { indexes: [], ddl: [] }
  const index: IndexDefinition = {
    table: table.id,
    keys: [{ column: column.name }],
    method: 'btree',
    isUnique: false,
  }
  const name = indexNameOf(table.name, [column.name], 'idx')
  return { indexes: [index], ddl: [createIndexSql(snapshot, table, index, name).replace(/;$/, '')] }
}

/** SQL for the start of the period of a value, and for the start of the next period. */
interface PeriodEnds {
  readonly low: string
  readonly next: string
  readonly caveats: readonly string[]
}

interface Context {
  readonly dialect: Dialect
  readonly column: ColumnSnapshot
}

const DAY = /^'(\d{4})-(\d{2})-(\d{2})'$/

/** @returns `undefined` for a literal that is not the value of a period. */
function periodEnds(
  { form, period, name }: Pick<TimeCall, 'form' | 'period' | 'name'>,
  value: string,
  context: Context,
): PeriodEnds | undefined {
  const ends =
    form === 'day'
      ? dayEnds(value, context)
      : form === 'number' || form === 'text'
        ? partEnds(period, form, value, context)
        : startEnds(period, value, name, context)
  if (ends === undefined || context.dialect !== 'sqlite') return ends
  const { column } = context
  const beginning = { year: '2024', month: '2024-05' }[period as 'year' | 'month'] ?? '2024-05-31'
  const caveat = `SQLite has no type for times: it finds the same rows only where ${column.name} is text that begins with the day, as \`2024-05-31 12:00:00\`, without an offset from UTC, and the value is like \`${beginning}\`.`
  return { ...ends, caveats: [caveat] }
}

function isLiteral(value: string): boolean {
  return /^(?:'[^']*'|\d+)$/.test(value)
}

function dayEnds(value: string, { dialect }: Context): PeriodEnds | undefined {
  if (isLiteral(value) && !DAY.test(value)) return undefined
  const own = /^[\w$?':.-]+$/.test(value) ? value : `(${value})`
  switch (dialect) {
    case 'postgresql': {
      const day = /(::date|^current_date)$/i.test(value) ? value : `${own}::date`
      return { low: day, next: `${day} + 1`, caveats: [] }
    }
    case 'mysql':
      return {
        low: value,
        next: `${value} + INTERVAL 1 DAY`,
        caveats:
          isLiteral(value) || /^(CURDATE\(\)|CURRENT_DATE(\(\))?)$/i.test(value)
            ? []
            : [
                'The value must be a day without a time: with a time, the function finds nothing, and the range what follows in 24 hours.',
              ],
      }
    case 'sqlite':
      return { low: value, next: `date(${value}, '+1 day')`, caveats: [] }
  }
}

/** A year as a number or text, and a month as text: `2024`, `'2024'`, `'2024-05'`. */
function partEnds(
  period: Period,
  form: 'number' | 'text',
  value: string,
  context: Context,
): PeriodEnds | undefined {
  if (isLiteral(value)) return literalEnds(period, value)
  const [{ dialect }, isYear] = [context, period === 'year']
  if (!isYear && period !== 'month') return undefined
  switch (dialect) {
    case 'postgresql':
      if (form === 'number')
        return {
          low: `make_date(${value}::int, 1, 1)`,
          next: `make_date(${value}::int + 1, 1, 1)`,
          caveats: [],
        }
      return ofStart(`(${value} || '${isYear ? '-01-01' : '-01'}')::date`, period, 'postgresql')
    case 'mysql':
      if (form === 'number')
        return {
          low: `MAKEDATE(${value}, 1)`,
          next: `MAKEDATE(${value} + 1, 1)`,
          caveats: ['MAKEDATE reads years below 100 as those of a century: 24 is 2024.'],
        }
      return ofStart(`CONCAT(${value}, '${isYear ? '-01-01' : '-01'}')`, period, 'mysql')
    case 'sqlite':
      return ofStart(`(${value} || '${isYear ? '-01-01' : '-01'}')`, period, 'sqlite')
  }
}

function literalEnds(period: Period, value: string): PeriodEnds | undefined {
  const [, year, month] = /^'?(\d{4})(?:-(\d{2}))?'?$/.exec(value) ?? []
  if (year === undefined || (month === undefined) !== (period === 'year')) return undefined
  const first = (at: number) => {
    const [y, m] = [Number(year) + Math.floor(at / 12), (at % 12) + 1]
    return `'${String(y).padStart(4, '0')}-${String(m).padStart(2, '0')}-01'`
  }
  const at = month === undefined ? 0 : Number(month) - 1
  if (at < 0 || at > 11) return undefined
  return { low: first(at), next: first(at + (period === 'year' ? 12 : 1)), caveats: [] }
}

/** A time that a period begins at. */
function startEnds(period: Period, value: string, name: string, { column }: Context): PeriodEnds | undefined {
  const isDay = DAY.exec(value)
  const [, , month, day] = isDay ?? []
  if (isLiteral(value) && isDay === null) return undefined
  if (isDay !== null && !beginsPeriod(period, Number(month), Number(day))) return undefined
  const type = /with time zone|timestamptz/i.test(column.databaseType) ? 'timestamptz' : 'timestamp'
  const own = /^[\w$']+$/.test(value) || isDay !== null ? value : `(${value})`
  const ends = ofStart(`${own}::${type}`, period, 'postgresql')
  const isKnown = isDay !== null && period !== 'week'
  return isKnown
    ? ends
    : {
        ...ends,
        caveats: [
          `The value must be the beginning of a ${period}: with another value, ${name} finds nothing, and the range what follows in a ${period}.`,
        ],
      }
}

function beginsPeriod(period: Period, month: number, day: number): boolean {
  if (period === 'year') return month === 1 && day === 1
  if (period === 'quarter') return month % 3 === 1 && day === 1
  return period !== 'month' || day === 1
}

const MONTHS: Partial<Record<Period, number>> = { month: 1, quarter: 3, year: 12 }

function ofStart(low: string, period: Period, dialect: Dialect): PeriodEnds {
  const months = MONTHS[period]
  switch (dialect) {
    case 'postgresql':
      return {
        low,
        next: `${low} + interval '${period === 'quarter' ? '3 months' : `1 ${period}`}'`,
        caveats: [],
      }
    case 'mysql':
      return { low, next: `${low} + INTERVAL ${months ?? 1} MONTH`, caveats: [] }
    case 'sqlite':
      return { low, next: `date(${low}, '+${months ?? 1} months')`, caveats: [] }
  }
}
