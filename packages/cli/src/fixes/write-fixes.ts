import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import {
  type ApplyEvent,
  applyChanges,
  type DatabaseSnapshot,
  planFixFiles,
  type SchemaChange,
  schemaChangeSql,
} from '@sluice/core/database'
import { errorMessage } from '@sluice/core/siblings'
import { EXIT, InputError, type Output, UsageError } from '../command.ts'
import { type OpenConnection, openSqlite, sqlitePath } from '../connect/open-connection.ts'
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

interface WriteFixesOptions {
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

interface ApplyFixesOptions {
  readonly connection: OpenConnection
  readonly url: string
  readonly snapshot: DatabaseSnapshot
  readonly isConfirmed: boolean
  readonly output: Output
}

/**
 * Applies changes to the database after a confirmation.
 *
 * @returns The exit code: 1 if a change failed, 130 if the user declined.
 * @throws UsageError if a confirmation is needed and there is no terminal; SluiceError if another process
 *   applies
 * changes.
 */
export async function applyFixes(
  changes: readonly SchemaChange[],
  options: ApplyFixesOptions,
): Promise<number> {
  const { connection, snapshot, output, isConfirmed, url } = options
  if (changes.length === 0) return EXIT.ok
  if (!isConfirmed && !process.stdin.isTTY)
    throw new UsageError('--apply requires a terminal for the confirmation, or --yes')
  for (const change of changes)
    for (const { sql } of schemaChangeSql(change, snapshot).steps) output.err(`${sql};\n`)
  if (!isConfirmed && !(await agrees(`Apply these changes to ${connection.address}? [y/N] `)))
    return EXIT.interrupted
  // The analysis opened the SQLite file as read-only.
  const writable = snapshot.dialect === 'sqlite' ? await openSqlite(sqlitePath(url), true) : connection
  try {
    const { failed, remaining } = await applyChanges(writable, changes, snapshot, {
      onEvent: (event) => report(event, output),
    })
    if (failed === undefined) return EXIT.ok
    if (failed.isLockTimeout)
      output.err('timeout while waiting for a lock: try again when the database is less busy\n')
    for (const { name } of remaining) output.err(`not applied: ${name}\n`)
    return EXIT.failed
  } finally {
    if (writable !== connection) await writable.close()
  }
}

function report(event: ApplyEvent, output: Output): void {
  if (event.kind === 'locked' || event.kind === 'running') return
  const { name } = event.kind === 'cleaned' ? event : event.change
  if (event.kind === 'done') output.err(`done: ${name}\n`)
  else if (event.kind === 'cleaned') output.err(`dropped the invalid index of an unfinished build: ${name}\n`)
  else if (event.kind === 'skipped') output.err(`skipped ${name}: ${event.why}\n`)
  else output.err(`failed: ${name}: ${errorMessage(event.error)}\n`)
}

async function agrees(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim())
  } finally {
    terminal.close()
  }
}
