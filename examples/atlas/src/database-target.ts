import { join } from 'node:path'

/** The database that the app runs on. */
export type DatabaseTarget =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgresql' | 'mysql'; readonly url: string }

export const DEFAULT_FILE: string = join(import.meta.dirname, '../data/atlas.db')

/**
 * Reads a `DATABASE_URL`.
 *
 * @param url - `file:<path>`, `postgresql://…`, `mysql://…`, or `undefined` for the SQLite file in `data/`.
 * @throws Error for any other URL.
 */
export function parseDatabaseUrl(url: string | undefined): DatabaseTarget {
  if (url === undefined || url === '') return { kind: 'sqlite', file: DEFAULT_FILE }
  if (/^postgres(ql)?:\/\//.test(url)) return { kind: 'postgresql', url }
  if (/^(mysql|mariadb):\/\//.test(url)) return { kind: 'mysql', url: url.replace(/^mariadb:/, 'mysql:') }
  if (url.startsWith('file:') && url.length > 'file:'.length)
    return { kind: 'sqlite', file: url.slice('file:'.length) }
  throw new Error(
    `DATABASE_URL: expected "file:<path>", "postgresql://…" or "mysql://…", got "${url.replace(/:[^:@/]*@/, ':***@')}"`,
  )
}
