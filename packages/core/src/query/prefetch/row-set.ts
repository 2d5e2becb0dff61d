import type { Gain } from '../../pipeline/gain.ts'
import { lookupKey } from '../../pipeline/key-text.ts'
import type { LookupKey } from '../../pipeline/lookup.ts'
import type { RowSource } from '../../pipeline/operation.ts'

type Row = Readonly<Record<string, unknown>>

/** What is kept of a row when the app may be done with it: what loops may ask by. A row itself may be large. */
export type KeepRow = (row: unknown) => unknown

/** Columns of a row that are kept where no foreign key names those that hold keys. */
export const MAX_COLUMNS = 32
/** Characters of the longest text that is taken for a key. */
const MAX_TEXT = 200

/** Keeps some columns of a row. */
export function keepColumns(source: RowSource, columns: readonly string[]): KeepRow {
  const properties = [...new Set(columns.flatMap((column) => source.property(column) ?? []))]
  return (row) => {
    if (typeof row !== 'object' || row === null) return row
    const kept: Record<string, unknown> = {}
    for (const property of properties) kept[property] = (row as Row)[property]
    return kept
  }
}

/** Keeps whatever may be a key. */
export const keepValues: KeepRow = (row) => {
  if (typeof row !== 'object' || row === null) return row
  const kept: Record<string, unknown> = {}
  for (const property of Object.keys(row).slice(0, MAX_COLUMNS)) {
    const value = (row as Row)[property]
    if (typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'string' && value.length <= MAX_TEXT))
      kept[property] = value
  }
  return kept
}

/**
 * Rows that the app was given, or will be: where a loop's next keys are looked for. They predict keys and nothing else;
 * an app that changes its rows costs predictions. The newest listing is held as it is, of all others the keys.
 */
export class RowSet {
  #rows: unknown[] | (() => unknown[])
  readonly #indexes = new Map<string, KeyIndex>()

  constructor(
    readonly source: RowSource,
    /** A function is called when they are first looked at. */
    rows: readonly unknown[] | (() => readonly unknown[]),
    /**
     * How often each row was handed out. `undefined`: a listing's, all of them once.
     * A lookup group's rows have a count each: those asked ahead are not handed out yet.
     */
    readonly delivered: number[] | undefined,
    private readonly keep: KeepRow,
    /** Told when a loop walks along its rows. */
    readonly gain?: Gain | undefined,
  ) {
    this.#rows = rows as unknown[] | (() => unknown[])
  }

  get rows(): unknown[] {
    if (typeof this.#rows === 'function') this.#rows = this.#rows()
    return this.#rows
  }

  /** Lets go of a listing's rows but for their keys: the app may be done with them. */
  settle(maxRows: number): void {
    const { rows } = this
    this.#rows = rows.length > maxRows ? [] : rows.map(this.keep)
  }

  /** A lookup group's rows may become more. */
  get isGrowing(): boolean {
    return this.delivered !== undefined
  }

  /** Adds the rows of a result, and tells where they stand. */
  append(result: unknown, delivered: number): { readonly from: number; readonly to: number } {
    const from = this.rows.length
    if (Array.isArray(result)) for (const row of result) this.#push(row, delivered)
    else if (typeof result === 'object' && result !== null) this.#push(result, delivered)
    return { from, to: this.rows.length }
  }

  /** The keys that some properties of the rows hold. */
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

/** The distinct keys of a set's rows, in the order in which they come first. Extended as the set grows. */
export class KeyIndex {
  readonly keys: LookupKey[] = []
  readonly #ordinals = new Map<string, number>()
  /** By ordinal: the rows that bear the key. */
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

  /** How many rows bear the key. */
  multiplicity(ordinal: number): number {
    return this.#rows[ordinal]?.length ?? 0
  }

  /** How often rows that bear the key were handed out: how often the app may be asking on their account. */
  credit(ordinal: number): number {
    const { delivered } = this.set
    const rows = this.#rows[ordinal] ?? []
    if (delivered === undefined) return rows.length
    let credit = 0
    for (const row of rows) credit += delivered[row] ?? 0
    return credit
  }
}
