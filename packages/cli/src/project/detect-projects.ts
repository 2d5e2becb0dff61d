import { type ProjectFormat, sqlProject } from '@sluice/core/database'
import { knexProject } from '@sluice/knex/project'
import { prismaProject } from '@sluice/prisma/project'
import type { DetectedProject, SqlFiles } from './detected-project.ts'
import { findKnex } from './find-knex.ts'
import { findPrisma } from './find-prisma.ts'
import { projectFolder } from './project-folder.ts'
import { readDatabaseUrl } from './read-database-url.ts'

/** Where SQL files are kept. */
const fixesDir = 'sluice/fixes'

/**
 * What the folder's project has of Prisma and of Knex, in this order, and last that SQL can be written at all. Files are read, and none is run.
 *
 * @param env - The environment: a URL of the database that it has goes before one of a file.
 */
export async function detectProjects(root: string, env: Readonly<Record<string, string | undefined>>): Promise<DetectedProject[]> {
  const folder = projectFolder(root)
  const fixes: SqlFiles = { dir: fixesDir, existing: ((await folder.list(fixesDir)) ?? []).filter((name) => name.endsWith('.sql')) }
  const prisma = await findPrisma(folder, env)
  const knex = await findKnex(folder, env)
  const database = await readDatabaseUrl(folder, ['DATABASE_URL'], env)
  return [
    ...(prisma === undefined ? [] : [{ ...prisma, fixes }]),
    ...(knex === undefined ? [] : [knex]),
    { kind: 'sql', fixes, ...(database === undefined ? {} : { database }) },
  ]
}

/** The project that fixes are written for: of the format that is asked for, or the first. */
export function projectOf(projects: readonly DetectedProject[], format: DetectedProject['kind'] | undefined): DetectedProject | undefined {
  return format === undefined ? projects[0] : projects.find(({ kind }) => kind === format)
}

/** The format that changes to a project are written in. */
export function formatOf(project: DetectedProject): ProjectFormat {
  if (project.kind === 'prisma') return prismaProject(project)
  return project.kind === 'knex' ? knexProject(project) : sqlProject(project.fixes)
}
