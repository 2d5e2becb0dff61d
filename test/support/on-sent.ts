/** Receives each statement of an app and the number of its values. */
export type OnSent = (sql: string, values: number) => void

/** Whether a statement is one with which Sluice reads the catalog. */
export function readsCatalog(sql: string): boolean {
  return /pg_catalog|pg_settings|information_schema|pragma_|@@/i.test(sql)
}
