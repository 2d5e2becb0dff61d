import { UsageError } from '../usage-error.ts'
import { detectProjects } from './detect-projects.ts'

/**
 * The database's address: as given, else that of the project in this directory.
 *
 * @throws UsageError where there is none.
 */
export async function addressOf(given: string | undefined): Promise<string> {
  if (given !== undefined) return given
  const found = (await detectProjects(process.cwd(), process.env)).find(({ database }) => database !== undefined)
  if (found?.database === undefined) throw new UsageError('expected an address, or DATABASE_URL in the environment or in .env')
  return found.database.url
}
