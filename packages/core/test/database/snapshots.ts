import type {
  ColumnSnapshot,
  DatabaseSnapshot,
  IndexKey,
  IndexSnapshot,
  TableSnapshot,
} from '@sluice/core/database'

/** A database as an inspection returns it. */
export function snapshotOf(
  tables: readonly TableSnapshot[],
  given: Partial<DatabaseSnapshot> = {},
): DatabaseSnapshot {
  const dialect = given.dialect ?? 'postgresql'
  return {
    dialect,
    product: dialect,
    version: '17.2',
    versionParts: [17, 2, 0],
    defaultSchema: 'public',
    takenAt: Date.UTC(2026, 4, 15),
    tables,
    foreignKeys: [],
    settings: {},
    extensions: { installed: [], available: [] },
    statements: [],
    gaps: [],
    ...given,
  }
}

export function tableOf(name: string, given: Partial<TableSnapshot> = {}): TableSnapshot {
  const schema = given.schema ?? 'public'
  const table: TableSnapshot = {
    id: `${schema}.${name}`,
    schema,
    name,
    kind: 'table',
    rows: 10_000,
    bytes: 1_000_000,
    indexBytes: 100_000,
    columns: [],
    primaryKey: [],
    indexes: [],
    ...given,
  }
  return { ...table, indexes: table.indexes.map((index) => ({ ...index, table: table.id })) }
}

export function columnOf(name: string, given: Partial<ColumnSnapshot> = {}): ColumnSnapshot {
  return { name, type: 'integer', databaseType: 'integer', nullable: false, ...given }
}

/** @param keys - Columns; `name DESC` for a descending one. */
export function indexOf(
  name: string,
  keys: readonly (string | IndexKey)[],
  given: Partial<IndexSnapshot> = {},
): IndexSnapshot {
  return {
    table: '',
    name,
    keys: keys.map((key) =>
      typeof key !== 'string'
        ? key
        : key.endsWith(' DESC')
          ? { column: key.slice(0, -5), isDescending: true }
          : { column: key },
    ),
    method: 'btree',
    isUnique: false,
    isPrimary: false,
    isConstraint: false,
    isValid: true,
    isVisible: true,
    ...given,
  }
}

export function primary(name: string, keys: readonly string[]): IndexSnapshot {
  return indexOf(name, keys, { isUnique: true, isPrimary: true, isConstraint: true })
}
