import type { Gain } from '../../pipeline/gain.ts'
import { lookupKey } from '../../pipeline/key-text.ts'
import type { LookupKey } from '../../pipeline/lookup.ts'
import type { RowSource } from '../../pipeline/operation.ts'

type Row = Readonly<Record<string, unknown>>

/**
 * Extracts the part of a row that is stored when the app may no longer need the row: the values that loops
 * can use as keys. The row itself can be large.
 */
export type KeepRow = (row: unknown) => unknown

/** Maximum number of columns of a row that are stored if no foreign key identifies the columns with keys. */
export const MAX_COLUMNS = 32
/** Maximum length of a string that is treated as a key. */
const MAX_TEXT = 200

/** Extracts some columns of a row. */
export function keepColumns(source: RowSource, columns: readonly string[]): KeepRow {
  const properties = [...new Set(columns.flatMap((column) => source.property(column) ?? []))]
  return (row) => {
    if (typeof row !== 'object' || row === null) return row
    const values: Record<string, unknown> = {}
    for (const property of properties) values[property] = (row as Row)[property]
    return values
  }
}

/** Extracts all values that can be keys. */
export const keepValues: KeepRow = (row) => {
  if (typeof row !== 'object' || row === null) return row
  const values: Record<string, unknown> = {}
  for (const property of Object.keys(row).slice(0, MAX_COLUMNS)) {
    const value = (row as Row)[property]
    if (
      typeof value === 'number' ||
      typeof value === 'bigint' ||
      (typeof value === 'string' && value.length <= MAX_TEXT)
    )
      values[property] = value
  }
  return values
}

/**
 * Rows that the app has received, or will receive, in which Sluice finds the next keys of a loop. They are
 * only used to predict keys: if the app modifies its rows, this affects predictions, never results. The
 * newest listing is stored unchanged. For all others, only the keys are stored.
 */
export class RowSet {
  #rows: unknown[] | (() => unknown[])
  readonly #indexes = new Map<string, KeyIndex>()

  constructor(
    readonly source: RowSource,
    /** A function is called when the rows are first needed. */
    rows: readonly unknown[] | (() => readonly unknown[]),
    /**
     * How often each row was returned to the app. `undefined`: a listing, whose rows were all returned once.
     * The rows of a lookup group have a count each, because prefetched rows are not returned yet.
     */
    readonly delivered: number[] | undefined,
    private readonly keep: KeepRow,
    /** Notified when a loop iterates over the rows. */
    readonly gain?: Gain | undefined,
  ) {
    this.#rows = rows as unknown[] | (() => unknown[])
  }

  get rows(): unknown[] {
    if (typeof this.#rows === 'function') this.#rows = this.#rows()
    return this.#rows
  }

  /** Releases the rows of a listing except for their keys, because the app may no longer need the rows. */
  settle(maxRows: number): void {
    const { rows } = this
    this.#rows = rows.length > maxRows ? [] : rows.map(this.keep)
  }

  /** Whether rows can be added, as to those of a lookup group. */
  get isGrowing(): boolean {
    return this.delivered !== undefined
  }

  /** Adds the rows of a result, and returns their range. */
  append(result: unknown, delivered: number): { readonly from: number; readonly to: number } {
    const from = this.rows.length
    if (Array.isArray(result)) for (const row of result) this.#push(row, delivered)
    else if (typeof result === 'object' && result !== null) this.#push(result, delivered)
    return { from, to: this.rows.length }
  }

  /** Returns the index of the keys in some properties of the rows. */
  index(properties: readonly string[]): KeyIndex {
    const name = properties.length === 1 ? (properties[0] ?? '') : JSON.stringify(properties)
    let index = this.#indexes.get(name)
    if (index === undefined) {
      index = new KeyIndex(this, properties)
      this.#indexes.set(name, index)
    }
    index.extend()
    return index
  }

  #push(row: unknown, delivered: number): void {
    this.rows.push(this.keep(row))
    this.delivered?.push(delivered)
  }
}

/** The distinct keys of a set's rows, in the order of their first occurrence. Extended as the set grows. */
export class KeyIndex {
  readonly keys: LookupKey[] = []
  readonly #ordinals = new Map<string, number>()
  /** By ordinal: the rows that contain the key. */
  readonly #rows: number[][] = []
  #upTo = 0

  constructor(
    private readonly set: RowSet,
    private readonly properties: readonly string[],
  ) {}

  extend(): void {
    const { rows } = this.set
    for (; this.#upTo < rows.length; this.#upTo += 1) {
      const row = rows[this.#upTo]
      if (typeof row !== 'object' || row === null) continue
      const key = lookupKey(this.properties.map((property) => (row as Row)[property]))
      if (key === undefined) continue
      const ordinal = this.#ordinals.get(key.text)
      if (ordinal === undefined) {
        this.#ordinals.set(key.text, this.keys.length)
        this.keys.push(key)
        this.#rows.push([this.#upTo])
      } else this.#rows[ordinal]?.push(this.#upTo)
    }
  }

  ordinalOf(text: string): number | undefined {
    return this.#ordinals.get(text)
  }

  /** Returns the number of rows that contain the key. */
  multiplicity(ordinal: number): number {
    return this.#rows[ordinal]?.length ?? 0
  }

  /**
   * Returns how often rows with this key were returned: the app may request the key as often because of them.
   */
  credit(ordinal: number): number {
    const { delivered } = this.set
    const rows = this.#rows[ordinal] ?? []
    if (delivered === undefined) return rows.length
    let credit = 0
    for (const row of rows) credit += delivered[row] ?? 0
    return credit
  }
}
