import { existsSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { type IndexNaming, type ProjectFormat, sqlProject } from '@sluice/core/database'
import { knexNaming, knexProject } from '@sluice/knex/project'
import { prismaProject } from '@sluice/prisma/project'
import { UsageError } from '../command.ts'
import { drizzleNaming, drizzleProject } from '../formats/drizzle/drizzle-project.ts'
import { kyselyNaming, kyselyProject } from '../formats/kysely/kysely-project.ts'
import type { DetectedDatabase, DetectedProject, SqlFiles } from './detected-project.ts'
import { findDrizzle, findKnex, findKysely, findPrisma } from './find-projects.ts'
import { projectFolder } from './project-folder.ts'
import { readDatabaseUrl } from './read-database-url.ts'

const fixesDir = 'sluice/fixes'

/**
 * Detects Prisma, Knex, Drizzle and Kysely in a folder, in this order, followed by plain SQL, which is always
 * possible. Reads files, and executes none.
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
  const drizzle = await findDrizzle(folder, root, env)
  const kysely = await findKysely(folder, env)
  const database = await readDatabaseUrl(folder, ['DATABASE_URL'], env)
  return [
    ...(prisma === undefined ? [] : [{ ...prisma, fixes }]),
    ...(knex === undefined ? [] : [knex]),
    ...(drizzle === undefined ? [] : [{ ...drizzle, fixes }]),
    ...(kysely === undefined ? [] : [{ ...kysely, fixes }]),
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
  switch (project.kind) {
    case 'prisma':
      return prismaProject(project)
    case 'knex':
      return knexProject(project)
    case 'drizzle':
      return drizzleProject(project)
    case 'kysely':
      return kyselyProject(project)
    case 'sql':
      return sqlProject(project.fixes)
  }
}

/** The index names of a format that the folder has no project of; `undefined` for the default names. */
export function namingOf(format: DetectedProject['kind'] | undefined): IndexNaming | undefined {
  if (format === 'knex') return knexNaming
  if (format === 'drizzle') return drizzleNaming
  return format === 'kysely' ? kyselyNaming : undefined
}

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
export async function addressOf(address: string | undefined): Promise<string> {
  if (address !== undefined) return address
  const cwd = process.cwd()
  const found = projectDatabase(await detectProjects(cwd, process.env), cwd)
  if (found === undefined)
    throw new UsageError(
      'expected a database URL as an argument, or DATABASE_URL in the environment or in .env',
    )
  return found.url
}
