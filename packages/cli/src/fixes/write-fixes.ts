import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type DatabaseSnapshot, planFixFiles, type SchemaChange } from '@sluice/core/database'
import { InputError, type Output } from '../command.ts'
import { detectProjects, formatOf, projectOf } from '../project/detect-projects.ts'
import type { DetectedProject } from '../project/detected-project.ts'

/** The files that identify a project of each format. */
const EVIDENCE: Readonly<Record<DetectedProject['kind'], string>> = {
  prisma: 'a schema.prisma of Prisma 6 or 7',
  knex: 'a knexfile',
  drizzle: 'a drizzle.config, or a package.json that depends on drizzle-orm,',
  kysely: 'a kysely.config, or a package.json that depends on kysely,',
  sql: 'a folder',
}

export interface WriteFixesOptions {
  readonly snapshot: DatabaseSnapshot
  /** Default: the format of the project. */
  readonly format: DetectedProject['kind'] | undefined
  /** The project's folder. */
  readonly cwd: string
  readonly output: Output
}

/**
 * Writes changes to files of the project, and prints their paths and the next steps. Does not query the
 * database.
 *
 * @throws InputError if the project does not have the file that the format requires.
 */
export async function writeFixes(
  changes: readonly SchemaChange[],
  { snapshot, format, cwd, output }: WriteFixesOptions,
): Promise<void> {
  if (changes.length === 0) return
  const project = projectOf(await detectProjects(cwd, process.env), format)
  if (project === undefined)
    throw new InputError(`--format ${format}: expected ${EVIDENCE[format ?? 'sql']} in ${cwd}`)
  const plan = planFixFiles(changes, formatOf(project), snapshot, new Date())
  for (const { path, content, isPatch } of plan.files) {
    const file = join(cwd, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
    output.err(`${isPatch ? 'changed' : 'wrote'} ${path}\n`)
  }
  for (const { change } of plan.unchanged)
    output.err(`${change.name} is already in the schema: migrate the database\n`)
  for (const { change, why } of plan.refused)
    output.err(`${change.name} was not added to the schema: ${why}\n`)
  for (const line of plan.next ?? []) output.err(`${line}\n`)
}
