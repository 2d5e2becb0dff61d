import type { ParameterRole } from '../advisor/table-use.ts'
import type { ColumnStatistics, StatisticsValue, TableSnapshot } from '../inspectors/database-snapshot.ts'
import { likelyValue, valuesInOrder } from '../likely-values.ts'

export interface BindingSets {
  /** With the values that most rows have. */
  readonly heavy: readonly unknown[]
  /** With values from the middle. */
  readonly typical: readonly unknown[]
}

type ColumnRole = Extract<ParameterRole, { kind: 'column' }>

const LIMIT = 20
const PATTERNS = new Set<ColumnRole['operator']>(['like', 'ilike', 'glob', 'match'])
const UPPER = new Set<ColumnRole['operator']>(['<', '<='])
const RANGES = new Set<ColumnRole['operator']>(['<', '<=', '>', '>=', 'between'])
/** How many of a hundred parts of a column a range spans. */
const HEAVY_SPAN = 5
const TYPICAL_SPAN = 1

/**
 * Creates values for a statement's parameters from the statistics of the columns that they are compared with.
 *
 * @param roles - By position.
 * @param statistics - Statistics of a column, if there are any.
 * @param observed - Observed values, the only source for patterns.
 * @returns `undefined` if a value cannot be created for one of them.
 */
export function bindingsFor(
  roles: readonly (ParameterRole | undefined)[],
  statistics: (table: TableSnapshot, column: string) => ColumnStatistics | undefined = statisticsOf,
  observed: readonly (readonly unknown[])[] = [],
): BindingSets | undefined {
  const picker = new Picker(roles, statistics, observed)
  const heavy = roles.map((_, place) => picker.value(place, true))
  const typical = roles.map((_, place) => picker.value(place, false))
  return heavy.includes(undefined) || typical.includes(undefined) ? undefined : { heavy, typical }
}

function statisticsOf(table: TableSnapshot, column: string): ColumnStatistics | undefined {
  return table.columns.find(({ name }) => name === column)?.statistics
}

class Picker {
  constructor(
    private readonly roles: readonly (ParameterRole | undefined)[],
    private readonly statistics: (table: TableSnapshot, column: string) => ColumnStatistics | undefined,
    private readonly observed: readonly (readonly unknown[])[],
  ) {}

  value(place: number, isHeavy: boolean): unknown {
    const role = this.roles[place]
    if (role === undefined) return this.#seen(place)
    if (role.kind === 'limit') return LIMIT
    if (role.kind === 'offset') return 0
    const known = this.statistics(role.table, role.column)
    if (role.kind === 'written') return (known && likelyValue(known, 0, false)) ?? this.#seen(place) ?? null
    if (PATTERNS.has(role.operator)) return this.#seen(place)
    if (known === undefined) return this.#seen(place)
    const made = RANGES.has(role.operator)
      ? this.#end(role, known, isHeavy)
      : this.#equal(place, role, known, isHeavy)
    return made ?? this.#seen(place)
  }

  /**
   * The k-th value that is compared with a column is the k-th most common: those of an IN are not all the
   * same.
   */
  #equal(
    place: number,
    role: ColumnRole,
    known: ColumnStatistics,
    isHeavy: boolean,
  ): StatisticsValue | undefined {
    const before = this.roles
      .slice(0, place)
      .filter((other) => isSame(other, role) && !RANGES.has(other.operator)).length
    return likelyValue(known, before, isHeavy)
  }

  /** The ends of a range are a few parts of the column apart, in any order. */
  #end(role: ColumnRole, known: ColumnStatistics, isHeavy: boolean): StatisticsValue | undefined {
    const values = valuesInOrder(known)
    const middle = Math.floor(values.length / 2)
    const hasOther = this.roles.some(
      (other) => isSame(other, role) && RANGES.has(other.operator) && isUpper(other) !== isUpper(role),
    )
    const span = Math.ceil(((isHeavy ? HEAVY_SPAN : TYPICAL_SPAN) * values.length) / 100)
    return values[isUpper(role) && hasOther ? Math.min(values.length - 1, middle + span) : middle]
  }

  #seen(place: number): unknown {
    return this.observed.map((values) => values[place]).find((value) => value !== undefined && value !== null)
  }
}

function isSame(other: ParameterRole | undefined, role: ColumnRole): other is ColumnRole {
  return other?.kind === 'column' && other.table.id === role.table.id && other.column === role.column
}

function isUpper({ operator, isUpperBound }: ColumnRole): boolean {
  return isUpperBound || UPPER.has(operator)
}
