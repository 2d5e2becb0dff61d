import type { DatabaseFacts } from '../../../src/database/fixes/database-facts.ts'
import type { CreateIndexChange, DropIndexChange } from '../../../src/database/fixes/schema-change.ts'
import type { IndexDefinition } from '../../../src/database/index-definition.ts'
import type {
  ColumnSnapshot,
  IndexSnapshot,
  TableSnapshot,
} from '../../../src/database/inspectors/database-snapshot.ts'

/** A database of this product with these tables. */
export function databaseFacts(
  product: DatabaseFacts['product'],
  tables: readonly TableSnapshot[] = [],
  version: readonly [number, number, number] = {
    postgresql: [17, 2, 0],
    mysql: [8, 4, 0],
    mariadb: [11, 8, 0],
    sqlite: [3, 50, 1],
  }[product] as [number, number, number],
): DatabaseFacts {
  const defaultSchema = { postgresql: 'public', mysql: 'app', mariadb: 'app', sqlite: 'main' }[product]
  return { product, versionParts: version, defaultSchema, tables }
}

export function table(schema: string, name: string, more: Partial<TableSnapshot> = {}): TableSnapshot {
  return {
    id: `${schema}.${name}`,
    schema,
    name,
    kind: 'table',
    rows: 1000,
    bytes: 8192,
    indexBytes: 0,
    columns: [],
    primaryKey: ['id'],
    indexes: [],
    ...more,
  }
}

export function column(name: string, databaseType = 'integer'): ColumnSnapshot {
  return { name, type: 'other', databaseType, nullable: true }
}

export function existingIndex(
  of: string,
  name: string,
  columns: readonly string[],
  more: Partial<IndexSnapshot> = {},
): IndexSnapshot {
  return {
    ...index(of, columns),
    name,
    isPrimary: false,
    isConstraint: false,
    isValid: true,
    isVisible: true,
    ...more,
  }
}

export function index(
  of: string,
  columns: readonly (string | IndexDefinition['keys'][number])[],
  more: Partial<IndexDefinition> = {},
): IndexDefinition {
  const keys = columns.map((key) => (typeof key === 'string' ? { column: key } : key))
  return { table: of, keys, method: 'btree', isUnique: false, ...more }
}

export function create(name: string, of: IndexDefinition): CreateIndexChange {
  return { kind: 'create-index', name, index: of }
}

export function drop(name: string, of: IndexDefinition): DropIndexChange {
  return { kind: 'drop-index', name, index: of }
}
