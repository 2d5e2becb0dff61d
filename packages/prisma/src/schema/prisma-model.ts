import type { ColumnType, TableId } from '@sluice/core/adapter'
import type { PrismaFieldData, PrismaKeyData, PrismaModelData } from './prisma-schema-data.ts'

/** A relation field, seen from the model that contains it. */
export interface PrismaRelation {
  /** The field's name. */
  readonly field: string
  /** The relation's name, which both sides share. */
  readonly name: string
  readonly model: PrismaModel
  readonly target: PrismaModel
  readonly list: boolean
  readonly required: boolean
  /** Neither side is a list. */
  readonly oneToOne: boolean
  /** Whether this model's table contains the foreign key. */
  readonly foreignKeyHere: boolean
  /**
   * The fields of this model that equal `toFields` of the target, regardless of which side contains the key.
   * Empty for many-to-many.
   */
  readonly fromFields: readonly string[]
  readonly toFields: readonly string[]
  /** The foreign key's columns, in the table that contains it. Empty for many-to-many. */
  readonly keyColumns: readonly string[]
  /** The implicit many-to-many table. */
  readonly joinTable: TableId | undefined
  /**
   * The side that contains the key is unknown: `list`, `required` and all values derived from them are then
   * meaningless.
   */
  readonly ambiguous: boolean
}

/** How filters refer to the rows of a model by a key. */
export interface KeyNames {
  /** In the order of the key's columns. */
  readonly fields: readonly string[]
  /** Names of the whole key in a `WhereUniqueInput`. */
  readonly selectors: readonly string[]
}

/** A model or view of a Prisma schema, organized for fast lookups. */
export class PrismaModel {
  readonly name: string
  readonly isView: boolean
  readonly fields: ReadonlyMap<string, PrismaFieldData>
  /** The columns of the fields that have one. */
  readonly columns: ReadonlyMap<string, string>
  /** Field names. */
  readonly primaryKey: readonly string[]
  /**
   * Names that a `WhereUniqueInput` accepts: single unique fields, and compound keys such as `a_b`, each with
   * its fields.
   */
  readonly uniqueSelectors: ReadonlyMap<string, readonly string[]>
  readonly updatedAtColumns: readonly string[]
  /**
   * String fields whose collation can treat different characters as equal, as far as the database reports
   * it.
   */
  readonly collated: ReadonlySet<string>
  /** Names of the last requested key: there is almost never another. */
  #keyNames: { readonly columns: readonly string[]; readonly names: KeyNames | undefined } | undefined

  constructor(
    data: PrismaModelData,
    readonly table: TableId,
    /** By field name. */
    readonly relations: ReadonlyMap<string, PrismaRelation>,
    /** Types of the columns by field name, as far as the database reports them. */
    readonly columnTypes: ReadonlyMap<string, ColumnType> = new Map(),
  ) {
    this.name = data.name
    this.isView = data.view === true
    this.fields = new Map(data.fields.map((field) => [field.name, field]))
    const stored = data.fields.filter(({ kind }) => kind !== 'object')
    this.columns = new Map(stored.map(({ name, column }) => [name, column]))
    this.primaryKey = data.primaryKey.fields
    this.uniqueSelectors = new Map(
      [data.primaryKey, ...data.uniqueKeys].filter(({ fields }) => fields.length > 0).map(selector),
    )
    const scalars = data.fields.filter(({ kind }) => kind === 'scalar').map(({ name }) => name)
    this.collated = new Set(scalars.filter((name) => columnTypes.get(name) === 'collated'))
    this.updatedAtColumns = stored.filter(({ updatedAt }) => updatedAt === true).map(({ column }) => column)
  }

  /** The column of a scalar field; `undefined` for relations and unknown names. */
  column(field: string): string | undefined {
    return this.columns.get(field)
  }

  /** @returns `undefined` if a column of the key does not belong to a field of the model. */
  keyNames(columns: readonly string[]): KeyNames | undefined {
    if (this.#keyNames?.columns !== columns) this.#keyNames = { columns, names: this.#namesOf(columns) }
    return this.#keyNames.names
  }

  #namesOf(columns: readonly string[]): KeyNames | undefined {
    const fieldOf = new Map([...this.columns].map(([field, column]) => [column, field]))
    const fields = columns.map((column) => fieldOf.get(column))
    if (!fields.every((field) => field !== undefined)) return undefined
    const isSame = (names: readonly string[]) =>
      names.length === fields.length && fields.every((field) => names.includes(field))
    const selectors = [...this.uniqueSelectors].filter(
      ([name, names]) => !this.fields.has(name) && isSame(names),
    )
    return { fields, selectors: selectors.map(([name]) => name) }
  }
}

function selector({ name, fields }: PrismaKeyData): [string, readonly string[]] {
  return [name ?? fields.join('_'), fields]
}
