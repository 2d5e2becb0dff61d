import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'

const BINARIES = ['initdb', 'postgres', 'pg_basebackup']
const PARENT = '/usr/lib/postgresql'

/** The machine has no PostgreSQL for a primary and a replica. */
export class NoPostgresError extends Error {}

/**
 * The folder of PostgreSQL's programs: the newest one of the machine, or one of the `PATH`.
 *
 * @param given - The folder to use instead.
 * @throws NoPostgresError
 */
export function findPostgres(given?: string): string {
  const folders = given
    ? [given]
    : [...versions(PARENT).map((version) => join(PARENT, version, 'bin')), ...pathFolders()]
  const folder = folders.find((one) => BINARIES.every((name) => isExecutable(join(one, name))))
  if (folder !== undefined) return folder
  const missing = BINARIES.filter((name) => !folders.some((one) => isExecutable(join(one, name))))
  const what = (missing.length === 0 ? BINARIES : missing).join(', ')
  const where = given ? 'the directory of PG_BIN' : `${PARENT}/*/bin or on the PATH`
  throw new NoPostgresError(
    `There is no ${what} in ${where}: install the PostgreSQL server, or set PG_BIN to its directory.`,
  )
}

function pathFolders(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
}

function versions(parent: string): string[] {
  try {
    return readdirSync(parent).sort((left, right) => right.localeCompare(left, 'en', { numeric: true }))
  } catch {
    return []
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
