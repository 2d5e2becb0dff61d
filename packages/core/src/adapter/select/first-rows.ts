import type { LookupKey } from '../../pipeline/lookup.ts'
import { dropUnsettled } from '../settled-slice.ts'
import type { HelperColumns } from './helper-columns.ts'
import type { SqlRow, ValueReader } from './outputs.ts'
import type { BatchedQuery, SelectFacts } from './select-facts.ts'
import type { BoundSql, SqlEdit } from './sql-writer.ts'

/** Maximum number of rows of each key: those of all keys are in memory at the same time. */
export const MAX_FIRST_ROWS = 100
/**
 * Maximum number of keys in one statement. The cost of planning grows with the number of selects, on
 * PostgreSQL with its square.
 */
const MAX_KEYS = 50

/**
 * The first rows of each key, read by the original select with its limit: with an index on the key and the
 * order, the database reads no more rows than for the individual selects, and it compares the same values.
 * It ranks each key's rows. If the order is not total, one more row shows whether the last one is tied.
 */
export abstract class FirstRows implements BatchedQuery {
  readonly maxKeys: number = MAX_KEYS
  /** Whether most keys of a batch had tied rows. */
  isTied = false
  /** The names of the columns with the rank of a row and the place of its key. */
  protected readonly rank: string
  protected readonly place: string
  readonly #readRank: ValueReader
  readonly #readPlace: ValueReader

  /**
   * @param isTotal - Whether the order of one key's rows is deterministic.
   * @param helperColumns - The columns before those of the rank and the place, which it adds.
   */
  constructor(
    protected readonly facts: SelectFacts,
    private readonly isTotal: boolean,
    private readonly helperColumns: HelperColumns,
  ) {
    const rank = helperColumns.add('sluice_rank')
    const place = helperColumns.add('sluice_place')
    this.rank = rank.name
    this.place = place.name
    this.#readRank = rank.read
    this.#readPlace = place.read
  }

  get helpers(): number {
    return this.helperColumns.count
  }

  abstract write(params: readonly unknown[], keys: readonly LookupKey[]): BoundSql

  split(
    rows: readonly SqlRow[],
    keys: readonly LookupKey[],
    params: readonly unknown[],
  ): Map<string, readonly SqlRow[]> | undefined {
    const { limit } = this.facts
    const take = limit?.value ?? Number(params[limit?.place ?? 0])
    const groups = new Map<string, SqlRow[]>(keys.map(({ text }) => [text, []]))
    const rankOf = (row: SqlRow) => Number(this.#readRank(row))
    // SQL does not specify the order of rows across the keys.
    for (const row of rows.toSorted((left, right) => rankOf(left) - rankOf(right))) {
      const group = groups.get(keys[Number(this.#readPlace(row))]?.text ?? '')
      if (group === undefined) return undefined
      group.push(row)
    }
    const settled = new Map<string, readonly SqlRow[]>(groups)
    if (!this.isTotal && dropUnsettled(settled, { skip: 0, take }, rankOf)) this.isTied = true
    this.helperColumns.strip(rows)
    return new Map([...settled].map(([text, found]) => [text, found.slice(0, take)]))
  }

  /** Returns the parameters of one key's select, with one more row if the order is not total. */
  protected withExtraRow(params: readonly unknown[]): readonly unknown[] {
    const place = this.facts.limit?.place
    return place === undefined ? params : params.with(place, Number(params[place]) + this.#extra)
  }

  /** The same for a limit that is a number in the statement. */
  protected limitEdits(): readonly SqlEdit[] {
    const { limit, tree } = this.facts
    const token = tree.tokens[(limit?.range.start ?? 0) + 1]
    if (limit?.value === undefined || token === undefined) return []
    return [{ start: token.start, end: token.end, parts: [String(limit.value + this.#extra)] }]
  }

  get #extra(): number {
    return this.isTotal ? 0 : 1
  }
}
