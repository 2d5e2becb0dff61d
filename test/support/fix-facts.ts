import type { DatabaseFacts } from '../../packages/core/src/database/fixes/database-facts.ts'
import type { TableSnapshot } from '../../packages/core/src/database/inspectors/database-snapshot.ts'
import type { Database } from './database.ts'

const VERSIONS = { postgresql: [15, 0, 0], mysql: [11, 4, 0], sqlite: [3, 50, 0] } as const

/** The facts about a test's database that the fixes need. */
export function fixFacts(
  database: Pick<Database, 'dialect' | 'url'>,
  tables: readonly TableSnapshot[] = [],
): DatabaseFacts {
  const { dialect, url } = database
  return {
    product: dialect === 'mysql' ? 'mariadb' : dialect,
    versionParts: VERSIONS[dialect],
    defaultSchema:
      dialect === 'postgresql' ? 'public' : dialect === 'sqlite' ? 'main' : new URL(url).pathname.slice(1),
    tables,
  }
}

/** A table that a test created. */
export function fixTable(schema: string, name: string, more: Partial<TableSnapshot> = {}): TableSnapshot {
  const sizes = { rows: 10, bytes: 8192, indexBytes: 0 }
  return {
    id: `${schema}.${name}`,
    schema,
    name,
    kind: 'table',
    ...sizes,
    columns: [],
    primaryKey: ['id'],
    indexes: [],
    ...more,
  }
}
