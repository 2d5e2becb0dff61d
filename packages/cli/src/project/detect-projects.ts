import { type ProjectFormat, sqlProject } from '@sluice/core/database'
import { knexProject } from '@sluice/knex/project'
import { prismaProject } from '@sluice/prisma/project'
import type { DetectedProject, SqlFiles } from './detected-project.ts'
import { findKnex } from './find-knex.ts'
import { findPrisma } from './find-prisma.ts'
import { projectFolder } from './project-folder.ts'
import { readDatabaseUrl } from './read-database-url.ts'

/** Folder of the SQL files. */
const fixesDir = 'sluice/fixes'

/**
 * Detects Prisma and Knex in a folder, in this order, followed by plain SQL, which is always possible. Reads
 * files, and executes none.
 *
 * @param env - Environment variables. A database URL in them takes precedence over one in a file.
 */
export async function detectProjects(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<DetectedProject[]> {
  const folder = projectFolder(root)
  const fixes: SqlFiles = {
    dir: fixesDir,
    existing: ((await folder.list(fixesDir)) ?? []).filter((name) => name.endsWith('.sql')),
  }
  const prisma = await findPrisma(folder, env)
  const knex = await findKnex(folder, env)
  const database = await readDatabaseUrl(folder, ['DATABASE_URL'], env)
  return [
    ...(prisma === undefined ? [] : [{ ...prisma, fixes }]),
    ...(knex === undefined ? [] : [knex]),
    { kind: 'sql', fixes, ...(database === undefined ? {} : { database }) },
  ]
}

/** The project with the given format. Default: the first. */
export function projectOf(
  projects: readonly DetectedProject[],
  format: DetectedProject['kind'] | undefined,
): DetectedProject | undefined {
  return format === undefined ? projects[0] : projects.find(({ kind }) => kind === format)
}

/** The format of the fixes for a project. */
export function formatOf(project: DetectedProject): ProjectFormat {
  if (project.kind === 'prisma') return prismaProject(project)
  return project.kind === 'knex' ? knexProject(project) : sqlProject(project.fixes)
}
