import type {
  ColumnSnapshot,
  DatabaseSnapshot,
  TableSnapshot,
} from '../../src/database/inspectors/database-snapshot.ts'
import type { ColumnType } from '../../src/schema/catalog-data.ts'
import type { Dialect } from '../../src/sql/dialect.ts'

const schemas: Readonly<Record<Dialect, string>> = { postgresql: 'public', sqlite: 'main', mysql: 'app' }
const types: Readonly<Record<string, ColumnType>> = {
  integer: 'integer',
  boolean: 'boolean',
  text: 'text',
  timestamp: 'datetime',
  jsonb: 'json',
}

/**
 * Tables as `{ city: 'id integer!, name text' }`, `!` for the primary key and `not null`; views as
 * `{ v: { columns: 'id integer', as: 'SELECT …' } }`.
 */
export type TableTexts = Readonly<Record<string, string | { readonly columns: string; readonly as?: string }>>

export function testSnapshot(dialect: Dialect, tables: TableTexts): DatabaseSnapshot {
  return {
    dialect,
    product: dialect,
    version: '17.2',
    versionParts: [17, 2, 0],
    defaultSchema: schemas[dialect],
    takenAt: 0,
    tables: Object.entries(tables).map(([name, text]) => table(dialect, name, text)),
    foreignKeys: [],
    settings: {},
    extensions: { installed: [], available: [] },
    statements: [],
    gaps: [],
  }
}

function table(dialect: Dialect, name: string, text: TableTexts[string]): TableSnapshot {
  const [schema, bare] = name.includes('.') ? name.split('.') : [schemas[dialect], name]
  const columns = (typeof text === 'string' ? text : text.columns).split(/,\s*(?![^(]*\))/)
  return {
    id: `${schema}.${bare}`,
    schema: schema ?? '',
    name: bare ?? '',
    kind: typeof text === 'string' ? 'table' : 'view',
    rows: 10_000,
    bytes: 1_000_000,
    indexBytes: 0,
    columns: columns.map(column),
    primaryKey: columns.filter((one) => one.endsWith('!')).map((one) => one.split(' ')[0] ?? ''),
    indexes: [],
    ...(typeof text === 'string' || text.as === undefined ? {} : { definition: text.as }),
  }
}

function column(text: string): ColumnSnapshot {
  const [, name = '', type = '', collation] = /^(\S+) (.+?)(?: collate (\S+))?!?\*?$/.exec(text) ?? []
  return {
    name,
    type: types[type] ?? 'text',
    databaseType: type,
    nullable: !/[!*]$/.test(text),
    ...(collation === undefined ? {} : { collation }),
  }
}
