import type { CatalogTable, ColumnType, SchemaCatalog } from '@sluice/core/adapter'
import type { SelectParts } from './select-parts.ts'

/** A table as Knex parses it: `name`, `schema.name`, `name as alias`. */
export interface TableName {
  readonly parts: readonly string[]
  /** The name with which columns refer to it. */
  readonly calledAs: string
}

/** `undefined` if the string is more than a name. */
export function tableName(table: string, schema: string | undefined): TableName | undefined {
  const [name = '', as, alias, ...rest] = table.trim().split(/\s+/)
  if (
    name === '' ||
    rest.length > 0 ||
    (as !== undefined && (as.toLowerCase() !== 'as' || alias === undefined))
  )
    return undefined
  const parts = name.split('.')
  return {
    parts: schema === undefined ? parts : [schema, ...parts.slice(-1)],
    calledAs: alias ?? parts.at(-1) ?? name,
  }
}

/** A column as Knex parses it: `name`, `table.name`, `table.name as alias`. */
interface ColumnName {
  /** The name without its table. */
  readonly name: string
  readonly isQualified: boolean
  /** The number of parts in its name: 1 for `name`, 2 for `table.name`. */
  readonly depth: number
  readonly alias: string | undefined
}

export function columnName(written: string): ColumnName {
  const at = written.search(/ as /i)
  const source = at === -1 ? written : written.slice(0, at)
  const names = source.split('.')
  return {
    name: (names.at(-1) ?? '').trim(),
    isQualified: names.length > 1,
    depth: names.length,
    alias: at === -1 ? undefined : written.slice(at + 4).trim(),
  }
}

/** The name of a column without its table. */
export function lastPart(written: string): string {
  return written.slice(written.lastIndexOf('.') + 1).trim()
}

/**
 * The property of a row that contains a column's value, by the column's name in the database. If two selected
 * columns have the same name, drivers keep the later one.
 *
 * @param columns - Selected columns as written; empty for all.
 * @param all - The names of the table's columns; `undefined` if they are not known.
 */
export function propertiesOf(
  columns: readonly string[],
  all: readonly string[] | undefined,
  nameOf: (identifier: string) => string,
): ReadonlyMap<string, string> {
  const sources = new Map<string, string | undefined>()
  for (const written of columns.length === 0 ? ['*'] : columns) {
    const { name, alias } = columnName(written)
    if (name === '*') for (const column of all ?? []) sources.set(column, column)
    else {
      const column = nameOf(name)
      // A name that the table does not have is a different spelling of an existing name: rows can contain
      // either.
      sources.set(
        alias === undefined ? column : nameOf(alias),
        all?.includes(column) === false ? undefined : column,
      )
    }
  }
  const properties = new Map<string, string>()
  for (const [property, column] of sources) {
    if (column !== undefined && !properties.has(column)) properties.set(column, property)
  }
  return properties
}

/** Returns the name of an identifier in the database. */
export type NameOf = (identifier: string) => string

/** Known properties of the table that a select reads. */
export interface Ground {
  readonly catalog: SchemaCatalog | undefined
  readonly table: CatalogTable | undefined
  readonly nameOf: NameOf
}

/** A column's type; `undefined` if the table is not known or has no such column. */
export function typeOf(written: string, { table, nameOf }: Ground): ColumnType | undefined {
  const name = nameOf(lastPart(written))
  return table?.columns.find((column) => column.name === name)?.type
}

/** Names that the select gives to its results, case-folded. */
export function aliasesOf({ columns, aggregates }: SelectParts, { nameOf }: Ground): ReadonlySet<string> {
  const aliases = [
    ...columns.flatMap((written) => columnName(written).alias ?? []),
    ...aggregates.flatMap(({ outputs }) => outputs.flatMap(({ alias }) => alias ?? [])),
  ]
  return new Set(aliases.map((alias) => nameOf(alias).toLowerCase()))
}

/** Whether a name in GROUP BY or ORDER BY can refer to a result with that name instead of the column. */
export function isShadowed(written: string, aliases: ReadonlySet<string>, { nameOf }: Ground): boolean {
  return !written.includes('.') && aliases.has(nameOf(written).toLowerCase())
}
