import { UsageError } from '../usage-error.ts'
import { detectProjects } from './detect-projects.ts'
import { projectDatabase } from './project-database.ts'

/**
 * The database's address: as given, else that of the project in this directory.
 *
 * @throws UsageError where there is none.
 */
export async function addressOf(given: string | undefined): Promise<string> {
  if (given !== undefined) return given
  const cwd = process.cwd()
  const found = projectDatabase(await detectProjects(cwd, process.env), cwd)
  if (found === undefined) throw new UsageError('expected an address, or DATABASE_URL in the environment or in .env')
  return found.url
}
