import type { Dialect } from '../../sql/dialect.ts'
import { readStatement } from '../../sql/statement.ts'
import {
  type CatalogData,
  type ColumnInfo,
  type ColumnType,
  type ForeignKeyInfo,
  type ReferentialAction,
  type TableInfo,
  tableId,
} from '../catalog-data.ts'
import type { FunctionLevel } from '../database-functions.ts'
import type { TriggeredChanges } from '../triggered-changes.ts'
import { type Row, textOf } from './row-values.ts'

/** A schema and a name, as the database writes them. */
interface TableName {
  readonly schema: string
  readonly table: string
}

export interface TableEntry extends TableName {
  readonly kind: 'table' | 'view'
  readonly hasTriggers: boolean
  readonly triggered?: TriggeredChanges
  readonly hasDefiningTriggers?: boolean
  readonly whenRead?: FunctionLevel | undefined
}

export interface ColumnEntry extends TableName {
  readonly column: ColumnInfo
}

/** One column of a primary or unique key; `undefined` represents an expression. */
export interface KeyEntry extends TableName {
  readonly key: string
  readonly primary: boolean
  readonly column: string | undefined
}

/** One column of a foreign key. Without a referenced column it refers to the primary key. */
export interface ForeignKeyEntry extends TableName {
  readonly key: string
  readonly column: string
  readonly references: TableName
  readonly referencedColumn: string | undefined
  readonly onDelete: ReferentialAction
  readonly onUpdate: ReferentialAction
}

/** The parts of a catalog as rows; columns and key columns are in order. */
interface CatalogEntries {
  readonly dialect: Dialect
  readonly defaultSchema: string
  readonly tables: readonly TableEntry[]
  readonly columns: readonly ColumnEntry[]
  readonly keys: readonly KeyEntry[]
  readonly foreignKeys: readonly ForeignKeyEntry[]
}

/** The table of a row. */
export function nameOf(row: Row): TableName {
  return { schema: textOf(row, 'schema'), table: textOf(row, 'table') }
}

/** @param actionOf - Reads an action as the database writes it. */
export function foreignKeyEntry(row: Row, actionOf: (written: string) => ReferentialAction): ForeignKeyEntry {
  return {
    ...nameOf(row),
    key: textOf(row, 'key'),
    column: textOf(row, 'column'),
    references: { schema: textOf(row, 'referenced_schema'), table: textOf(row, 'referenced_table') },
    referencedColumn: textOf(row, 'referenced_column'),
    onDelete: actionOf(textOf(row, 'on_delete')),
    onUpdate: actionOf(textOf(row, 'on_update')),
  }
}

/** The kind of each type of a database, from lists of types by their kind. */
export function columnTypes(
  lists: Readonly<Partial<Record<ColumnType, string>>>,
): Readonly<Record<string, ColumnType>> {
  const entries = Object.entries(lists) as [ColumnType, string][]
  return Object.fromEntries(entries.flatMap(([kind, list]) => list.split(' ').map((name) => [name, kind])))
}

/** Builds a catalog from flat rows. */
export function assembleCatalog({ dialect, defaultSchema, ...entries }: CatalogEntries): CatalogData {
  const idOf = ({ schema, table }: TableName) => tableId(dialect, schema, table, defaultSchema)
  const columns = groupBy(entries.columns, textOfName)
  const keys = groupBy(entries.keys, textOfName)
  const tables = entries.tables.map((entry): TableInfo => {
    const name = textOfName(entry)
    const ofTable = [...groupBy(keys.get(name) ?? [], ({ key }) => key).values()]
    const primary = ofTable.find(([first]) => first?.primary === true) ?? []
    return {
      schema: entry.schema,
      name: entry.table,
      kind: entry.kind,
      columns: (columns.get(name) ?? []).map(({ column }) => column),
      primaryKey: namesOf(primary),
      uniqueKeys: ofTable
        .filter((key) => key !== primary && key.every(({ column }) => column !== undefined))
        .map(namesOf),
      hasTriggers: entry.hasTriggers,
      ...(entry.triggered === undefined ? {} : { triggered: entry.triggered }),
      ...(entry.hasDefiningTriggers === true ? { hasDefiningTriggers: true } : {}),
      ...(entry.whenRead === undefined || entry.whenRead === 'reads' ? {} : { whenRead: entry.whenRead }),
    }
  })
  const primaryKeys = new Map(
    tables.map((table) => [tableId(dialect, table.schema, table.name, defaultSchema), table.primaryKey]),
  )
  const foreignKeys: ForeignKeyInfo[] = []
  for (const parts of groupBy(entries.foreignKeys, (entry) => `${textOfName(entry)} ${entry.key}`).values()) {
    const [first] = parts
    if (first === undefined) continue
    const references = idOf(first.references)
    const named = definedOf(parts.map(({ referencedColumn }) => referencedColumn))
    foreignKeys.push({
      table: idOf(first),
      columns: parts.map(({ column }) => column),
      references,
      referencedColumns: named.length > 0 ? named : (primaryKeys.get(references) ?? []),
      onDelete: first.onDelete,
      onUpdate: first.onUpdate,
    })
  }
  return { dialect, defaultSchema, tables, foreignKeys }
}

function textOfName({ schema, table }: TableName): string {
  return JSON.stringify([schema, table])
}

function namesOf(key: readonly KeyEntry[]): string[] {
  return definedOf(key.map(({ column }) => column))
}

function definedOf(names: readonly (string | undefined)[]): string[] {
  return names.filter((name) => name !== undefined)
}

function groupBy<T>(entries: readonly T[], keyOf: (entry: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const entry of entries) {
    const key = keyOf(entry)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [entry])
    else group.push(entry)
  }
  return groups
}

/** A view, identified by a key, with its query; `undefined` if the query is not visible. */
interface ViewText {
  readonly key: string
  readonly query: string | undefined
}

/**
 * The views whose query calls a function that is not built into the database, or reads such a view: a read of
 * them can write.
 *
 * @param keyOf - The key of the view to which a name in a query refers.
 */
export function callingViews(
  views: readonly ViewText[],
  dialect: Dialect,
  keyOf: (name: readonly string[]) => string,
): ReadonlySet<string> {
  const calling = new Set<string>()
  const read = new Map<string, readonly string[]>()
  for (const { key, query } of views) {
    const { opaque, functions, reads } = readStatement(query ?? '', dialect)
    if (query === undefined || opaque !== undefined || functions.size > 0) calling.add(key)
    else read.set(key, reads.map(keyOf))
  }
  for (let isGrowing = true; isGrowing; ) {
    isGrowing = false
    for (const [key, reads] of read) {
      if (calling.has(key) || !reads.some((other) => calling.has(other))) continue
      calling.add(key)
      isGrowing = true
    }
  }
  return calling
}
