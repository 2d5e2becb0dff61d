type Value = string | number | null

/** The rows of one table, ready to be inserted: each row has its values in the order of `columns`. */
export interface Table {
  readonly name: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}
