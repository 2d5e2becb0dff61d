import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { UsageError } from '../command.ts'
import { detectProjects } from './detect-projects.ts'
import type { DetectedDatabase, DetectedProject } from './detected-project.ts'

/** The database URL of a folder's project, if there is one. */
export function projectDatabase(
  projects: readonly DetectedProject[],
  cwd: string,
): DetectedDatabase | undefined {
  const project = projects.find(({ database }) => database !== undefined)
  if (project?.database === undefined) return undefined
  const { url, from } = project.database
  return {
    from,
    url: project.kind === 'prisma' ? fileUrl(url, project.schemaFiles[0]?.path ?? '', cwd) : url,
  }
}

/** Up to Prisma 6, file paths are relative to the schema; since Prisma 7, to the folder. */
function fileUrl(url: string, schema: string, cwd: string): string {
  const path = /^file:([^?]*)/.exec(url)?.[1]
  if (path === undefined || isAbsolute(path) || existsSync(join(cwd, path))) return url
  const beside = join(cwd, dirname(schema), path)
  return existsSync(beside) ? `file:${beside}` : url
}

/**
 * The given database URL. Default: that of the project in the current directory.
 *
 * @throws UsageError if there is none.
 */
export async function addressOf(given: string | undefined): Promise<string> {
  if (given !== undefined) return given
  const cwd = process.cwd()
  const found = projectDatabase(await detectProjects(cwd, process.env), cwd)
  if (found === undefined)
    throw new UsageError(
      'expected a database URL as an argument, or DATABASE_URL in the environment or in .env',
    )
  return found.url
}
