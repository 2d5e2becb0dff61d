import type { ColumnStatistics, StatisticsValue } from '../inspectors/database-snapshot.ts'
import type { Statistics } from './statistics.ts'
import type { ParameterRole, StatementUse } from './table-use.ts'

type Bindings = readonly unknown[]

const LIMIT = 20
/** Patterns that a statement is tried with. */
const MAX_PATTERNS = 3

/**
 * The bindings that a statement is planned with: one set of the most common values and one of typical ones, as the statistics have them. Not those
 * that were observed, of which a few say little; but what nobody can guess is taken from them: patterns, and values that are compared with no column.
 *
 * @param observed - Sets of bindings that it was called with.
 * @returns `undefined` where a value can be neither guessed nor was observed.
 */
export function supposedBindings(
  use: StatementUse,
  observed: readonly Bindings[],
  statistics: Statistics,
): readonly Bindings[] | undefined {
  const { parameters } = use
  if (parameters.length === 0) return [[]]
  const isObserved = parameters.some(isUnguessable)
  const usable = observed.filter((bindings) => bindings.length >= parameters.length)
  if (isObserved && usable.length === 0) return undefined
  const count = isObserved ? Math.max(2, Math.min(MAX_PATTERNS, usable.length)) : 2
  return Array.from({ length: count }, (_, at) => {
    const sample = usable[at % Math.max(1, usable.length)]
    return parameters.map((role, place) => {
      if (isUnguessable(role)) return sample?.[place]
      if (role?.kind === 'limit' || role?.kind === 'offset') return pageOf(role.kind, place, usable)
      return guess(role, place, at === 0, parameters, statistics)
    })
  })
}

/** The size of a page is the app's own choice: as it was observed, the middle one. */
function pageOf(kind: 'limit' | 'offset', place: number, observed: readonly Bindings[]): number {
  const numbers = observed.map((bindings) => Number(bindings[place])).filter((number) => Number.isInteger(number) && number >= 0)
  return numbers.sort((a, b) => a - b)[numbers.length >> 1] ?? (kind === 'limit' ? LIMIT : 0)
}

function isUnguessable(role: ParameterRole | undefined): boolean {
  if (role === undefined) return true
  return role.kind === 'column' && ['like', 'ilike', 'glob', 'match'].includes(role.operator)
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
      (other) => other?.kind === 'column' && other.table === role.table && other.column === role.column && other.operator === role.operator,
    ).length
  if (role.isArray === true) return [0, 1, 2].map((at) => valueLike(known, isHeavy, at))
  if (role.operator === '=' || role.operator === 'in' || role.operator === '<>') return valueLike(known, isHeavy, nth)
  return boundLike(known, role, isHeavy, hasPartner(roles, place))
}

function valueLike(known: ColumnStatistics | undefined, isHeavy: boolean, nth: number): unknown {
  if (known === undefined) return nth + 1
  const { common, bounds } = known
  const middle = bounds[(Math.floor(bounds.length / 2) + nth) % Math.max(1, bounds.length)]
  const typical = middle ?? common[(Math.floor(common.length / 2) + nth) % Math.max(1, common.length)]?.value
  return (isHeavy ? (common[nth % Math.max(1, common.length)]?.value ?? typical) : typical) ?? nth + 1
}

/** The end of a range: with another end some way off, else half of the rows, or a tenth. */
function boundLike(
  known: ColumnStatistics | undefined,
  { operator, isUpperBound }: Extract<ParameterRole, { kind: 'column' }>,
  isHeavy: boolean,
  isPaired: boolean,
): unknown {
  const values: readonly StatisticsValue[] =
    known === undefined ? [] : known.bounds.length > 1 ? known.bounds : known.common.map(({ value }) => value).sort(byOrder)
  const last = values.length - 1
  if (last < 0) return 1
  const middle = Math.floor(last / 2)
  if (isPaired) return values[Math.min(last, isUpperBound ? middle + (isHeavy ? Math.ceil(last / 20) : 1) : middle)]
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

function byOrder(a: StatisticsValue, b: StatisticsValue): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a) < String(b) ? -1 : 1
}
