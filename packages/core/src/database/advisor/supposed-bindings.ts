import type { ColumnStatistics } from '../inspectors/database-snapshot.ts'
import { likelyValue, valuesInOrder } from '../inspectors/row-values.ts'
import type { Statistics } from './statistics.ts'
import type { ParameterRole, StatementUse } from './table-use.ts'

type Bindings = readonly unknown[]

const LIMIT = 20
/** Sets of bindings that a statement is planned with where they were observed. */
const MAX_SETS = 4
/** If a column has fewer values, the app determines which of them are used. */
const FEW_VALUES = 20

/**
 * The parameter values for planning a statement, from the statistics: alternately the most common and typical
 * values. A few observed lookup values are not representative, so observed values are only used where the
 * statistics have none: patterns, values that are not compared with a column, ends of ranges, and values of
 * columns with few distinct ones.
 *
 * @param observed - Observed sets of parameter values.
 * @returns `undefined` if a value was not observed and cannot be derived.
 */
export function supposedBindings(
  use: StatementUse,
  observed: readonly Bindings[],
  statistics: Statistics,
): readonly Bindings[] | undefined {
  const { parameters } = use
  if (parameters.length === 0) return [[]]
  const usable = observed.filter((bindings) => bindings.length >= parameters.length)
  const sources = parameters.map((role) => sourceOf(role, statistics))
  if (sources.includes('observed') && usable.length === 0) return undefined
  const count = sources.every((source) => source === 'statistics')
    ? 2
    : Math.max(2, Math.min(MAX_SETS, usable.length))
  return Array.from({ length: count }, (_, at) => {
    const sample = usable[at % Math.max(1, usable.length)]
    return parameters.map((role, place) => {
      if (sources[place] === 'observed') return sample?.[place]
      if (role?.kind === 'limit' || role?.kind === 'offset') return pageOf(role.kind, place, usable)
      if (sources[place] === 'either' && at < usable.length) return sample?.[place]
      return guess(role, place, at % 2 === 0, parameters, statistics)
    })
  })
}

/** Source of a value: observations, statistics, or either. */
function sourceOf(
  role: ParameterRole | undefined,
  statistics: Statistics,
): 'observed' | 'statistics' | 'either' {
  if (role === undefined) return 'observed'
  if (role.kind !== 'column') return 'statistics'
  switch (role.operator) {
    case 'like':
    case 'ilike':
    case 'glob':
    case 'match':
      return 'observed'
    case '=':
    case 'in':
    case '<>':
      return (statistics.column(role.table, role.column)?.distinct ?? Number.POSITIVE_INFINITY) < FEW_VALUES
        ? 'either'
        : 'statistics'
    default:
      return 'either'
  }
}

/**
 * The size of a page is the app's own choice: as it was observed, the middle one. A negative one is none, in
 * SQLite.
 */
function pageOf(kind: 'limit' | 'offset', place: number, observed: readonly Bindings[]): number {
  const numbers = observed
    .map((bindings) => Number(bindings[place]))
    .filter((number) => Number.isInteger(number))
  return numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? (kind === 'limit' ? LIMIT : 0)
}

function guess(
  role: ParameterRole | undefined,
  place: number,
  isHeavy: boolean,
  roles: readonly (ParameterRole | undefined)[],
  statistics: Statistics,
): unknown {
  if (role?.kind !== 'column') return null
  const known = statistics.column(role.table, role.column)
  // The k-th value of a list is the k-th most common one.
  const nth = roles
    .slice(0, place)
    .filter(
      (other) =>
        other?.kind === 'column' &&
        other.table === role.table &&
        other.column === role.column &&
        other.operator === role.operator,
    ).length
  const valueLike = (at: number) => (known && likelyValue(known, at, isHeavy)) ?? at + 1
  if (role.isArray === true) return [0, 1, 2].map(valueLike)
  if (role.operator === '=' || role.operator === 'in' || role.operator === '<>') return valueLike(nth)
  return boundLike(known, role, isHeavy, hasPartner(roles, place))
}

/** The end of a range: at a distance from the other end, otherwise for 50% or 10% of the rows. */
function boundLike(
  known: ColumnStatistics | undefined,
  { operator, isUpperBound }: Extract<ParameterRole, { kind: 'column' }>,
  isHeavy: boolean,
  isPaired: boolean,
): unknown {
  const values = known === undefined ? [] : valuesInOrder(known)
  const last = values.length - 1
  if (last < 0) return 1
  const middle = Math.floor(last / 2)
  if (isPaired)
    return values[Math.min(last, isUpperBound ? middle + (isHeavy ? Math.ceil(last / 20) : 1) : middle)]
  if (isHeavy) return values[middle]
  return values[Math.round(last * (operator === '>' || operator === '>=' ? 0.9 : 0.1))]
}

/** Whether another bound value is the other end of the same range. */
function hasPartner(roles: readonly (ParameterRole | undefined)[], place: number): boolean {
  const own = roles[place]
  if (own?.kind !== 'column') return false
  return roles.some(
    (role, at) =>
      at !== place &&
      role?.kind === 'column' &&
      role.table === own.table &&
      role.column === own.column &&
      role.isUpperBound !== own.isUpperBound,
  )
}
