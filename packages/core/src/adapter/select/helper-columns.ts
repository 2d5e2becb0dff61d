import type { Dialect } from '../../sql/dialect.ts'
import type { KeyColumn } from './key-columns.ts'
import { type Properties, type RowForm, readerOf, type SqlRow, type ValueReader } from './outputs.ts'

/** The columns that a batched query has at the end of each row besides those of the select. */
export class HelperColumns {
  readonly #names: string[] = []
  readonly #taken: Set<string>
  #sql = ''

  /** @param taken - Names that rows or tables already have, in lower case. */
  constructor(
    private readonly form: RowForm,
    private readonly dialect: Dialect,
    taken: ReadonlySet<string>,
  ) {
    this.#taken = new Set(taken)
  }

  get count(): number {
    return this.#names.length
  }

  /** The columns as SQL, to append to the outputs. */
  get sql(): string {
    return this.#sql
  }

  /**
   * Adds a column after the others.
   *
   * @param stem - Start of its name, which no other column has, regardless of case.
   * @param expression - Its value as SQL. Default: none, because an outer query adds it.
   */
  add(stem: string, expression?: string): { readonly name: string; readonly read: ValueReader } {
    let number = 1
    while (this.#taken.has(`${stem}_${number}`)) number++
    const plain = `${stem}_${number}`
    const name = this.dialect === 'mysql' ? `\`${plain}\`` : `"${plain}"`
    const nth = this.#names.push(plain) - 1
    this.#taken.add(plain)
    if (expression !== undefined) this.#sql += `, ${expression} as ${name}`
    const read: ValueReader =
      this.form === 'objects'
        ? (row) => (row as Readonly<Record<string, unknown>>)[plain]
        : (row) => (row as readonly unknown[])[(row as readonly unknown[]).length - this.count + nth]
    return { name, read }
  }

  /** Adds the columns of the key that rows do not have. Returns readers of the whole key. */
  addKey(keys: readonly KeyColumn[], properties: Properties): readonly ValueReader[] {
    return keys.map(({ column, type, text }) => {
      // Each driver returns dates in its own form.
      if (type === 'datetime') return this.add('sluice_key', `${text}::text`).read
      const property = properties.get(column)
      return property === undefined ? this.add('sluice_key', text).read : readerOf(property)
    })
  }

  /** Removes the columns from rows. */
  strip(rows: readonly SqlRow[]): void {
    // The last property first, because deleting the last one is cheapest.
    const names = this.#names.toReversed()
    if (names.length === 0) return
    for (const row of rows)
      if (Array.isArray(row)) row.length -= names.length
      else for (const name of names) delete (row as Record<string, unknown>)[name]
  }
}
