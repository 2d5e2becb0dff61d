import type { Connection } from './connection.ts'

/** Servers name the setting differently. */
const QUERIES = ['SELECT @@transaction_isolation AS level', 'SELECT @@tx_isolation AS level']

/**
 * Whether a connection reads what others have not committed, and may roll back (MySQL, MariaDB). Never
 * rejects.
 */
export async function seesUncommitted({ dialect, query }: Connection): Promise<boolean> {
  if (dialect !== 'mysql') return false
  for (const sql of QUERIES) {
    try {
      const [row] = await query(sql)
      return row?.level === 'READ-UNCOMMITTED'
    } catch {
      // The other name.
    }
  }
  return false
}
