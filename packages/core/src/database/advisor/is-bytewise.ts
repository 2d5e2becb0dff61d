import type { ColumnSnapshot, DatabaseSnapshot } from '../inspectors/database-snapshot.ts'

/** Whether a column's texts are in the order of their bytes (PostgreSQL): an index then serves the beginnings of texts, too. */
export function isBytewise({ collation }: Pick<ColumnSnapshot, 'collation'>, { settings }: Pick<DatabaseSnapshot, 'settings'>): boolean {
  if (collation === undefined && settings.locale_provider === 'builtin') return true
  const locale = collation ?? settings.locale ?? settings.lc_collate
  return locale === 'C' || locale === 'POSIX' || locale === 'ucs_basic' || locale === 'pg_c_utf8'
}
