import type { CatalogTable, ColumnType, SchemaCatalog } from '@sluice/core/adapter'
import { columnName, lastPart } from './column-name.ts'
import type { SelectParts } from './select-parts.ts'

/** The name that the database gives to an identifier. */
export type NameOf = (identifier: string) => string

/** What is known of the table that a select reads. */
export interface Ground {
  readonly catalog: SchemaCatalog | undefined
  readonly table: CatalogTable | undefined
  readonly nameOf: NameOf
}

/** A column's type; `undefined` for what is no column of the table, and where the table is not known. */
export function typeOf(written: string, { table, nameOf }: Ground): ColumnType | undefined {
  const name = nameOf(lastPart(written))
  return table?.columns.find((column) => column.name === name)?.type
}

/** Names that the select gives to its results, folded. */
export function aliasesOf({ columns, aggregates }: SelectParts, { nameOf }: Ground): ReadonlySet<string> {
  const aliases = [
    ...columns.flatMap((written) => columnName(written).alias ?? []),
    ...aggregates.flatMap(({ outputs }) => outputs.flatMap(({ alias }) => alias ?? [])),
  ]
  return new Set(aliases.map((alias) => nameOf(alias).toLowerCase()))
}

/** Whether a name in GROUP BY or ORDER BY may mean a result of that name, and not the column. */
export function isShadowed(written: string, aliases: ReadonlySet<string>, { nameOf }: Ground): boolean {
  return !written.includes('.') && aliases.has(nameOf(written).toLowerCase())
}
