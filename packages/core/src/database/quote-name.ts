import type { Dialect } from '../sql/dialect.ts'

/** A name as the dialect quotes it. */
export function quoteName(name: string, dialect: Dialect): string {
  return dialect === 'mysql' ? `\`${name.replaceAll('`', '``')}\`` : `"${name.replaceAll('"', '""')}"`
}
