import type { Dialect } from '@sluice/core'

/** What stands for a value, or is a name: none of it is a value itself. */
const HARMLESS = /`[^`]*`|\[\w+\]|[$?:@]\d+|\b[A-Za-z_]\w*/g
const QUOTED_NAME = /"[^"]*"/g
const NUMBER = /(?<![\w$"`.#])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?\b/gi
const TEXT = /'(?:[^'\\]|''|\\.)*'|\$(\w*)\$.*?\$\1\$/gs

/** Whether a statement has none but parameters: what a database says of it has no values of the app's then. In doubt it has some. */
export function isWithoutValues(sql: string, dialect: Dialect): boolean {
  if (sql.includes("'") || /\$\w*\$/.test(sql)) return false
  // On PostgreSQL alone, what stands in double quotes is certain to be a name.
  const names = dialect === 'postgresql' ? sql.replace(QUOTED_NAME, ' ') : sql
  return !names.includes('"') && !/\d/.test(names.replace(HARMLESS, ' '))
}

/** A text about SQL with what looks like a value taken out. */
export function masked(text: string): string {
  return text.replace(TEXT, '?').replace(NUMBER, '?')
}
