import type { Dialect } from '../sql/dialect.ts'
import type { Statement } from '../sql/statement.ts'

/** Databases of a MySQL server that contain no objects of users. */
const OF_SERVER = /^(?:information_schema|performance_schema|mysql|sys)$/i

export function isOfServer(database: string): boolean {
  return OF_SERVER.test(database)
}

/**
 * The SQL condition that a column contains the database of the connection, or one of some others. Servers of
 * MySQL and MariaDB then open the tables of these databases only.
 */
export function inDatabases(column: string, others: readonly string[]): string {
  // A name in hexadecimal needs no quotes, whose meaning depends on the session.
  const names = others.map((name) => `_utf8mb4 X'${Buffer.from(name).toString('hex')}'`)
  return `${column} IN (${['DATABASE()', ...names].join(', ')})`
}

const NONE: readonly string[] = []

/** The databases that a statement of MySQL names, in addition to the default one of its connection. */
export function databasesNamed({ reads, writes }: Statement, dialect: Dialect): readonly string[] {
  if (dialect !== 'mysql') return NONE
  const names = [...reads, ...writes.map(({ name }) => name)].flatMap((name) => name.at(-2) ?? [])
  return names.length === 0 ? NONE : [...new Set(names)].filter((name) => !isOfServer(name))
}
