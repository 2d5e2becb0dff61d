import { SluiceError } from '../../shared/errors.ts'
import { isInstance } from '../../shared/thrown.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { DatabaseFacts } from './database-facts.ts'
import { DEFAULT_NAMING, type IndexNaming } from './index-name.ts'
import { LOCK_TIMEOUT, type SqlStep } from './index-sql.ts'
import { changeComment, commentText, fileName } from './migration-text.ts'
import { type SchemaChange, schemaChangeSql } from './schema-change.ts'

/**
 * A project whose schema is changed, in the format of its ORM. All paths are relative to the project, with
 * `/`.
 */
export interface ProjectFormat {
  /** For messages: the name of the ORM, or `sql`. */
  readonly kind: string
  /** How the ORM names indexes. */
  readonly naming: IndexNaming
  /**
   * Names that the project's files have given to indexes, which the database may lack so far: `index` must
   * get a different name.
   */
  takenNames?(index: IndexDefinition, facts: DatabaseFacts): Iterable<string>
  /**
   * Plans the files that add changes to the project. Reads and writes nothing.
   *
   * @param changes - Changes that the database supports.
   * @param at - Creation time of the files: the names of migrations begin with it.
   */
  plan(changes: readonly SchemaChange[], facts: DatabaseFacts, at: Date): FixPlan
}

/** Files to write for changes. */
export interface FixPlan {
  readonly files: readonly FixFile[]
  /** Lines of a schema file that were put in or taken out. */
  readonly patched: readonly PatchedChange[]
  /** Changes that the project's schema has already: it only has to be brought to the database. */
  readonly unchanged: readonly { readonly change: SchemaChange; readonly why: string }[]
  /** Changes that the project's format does not support. Their SQL is in a separate file. */
  readonly refused: readonly RefusedChange[]
  /** Notes on what to do after the files are written, one line each. */
  readonly next?: readonly string[]
}

/** One file to write, or a change of an existing one. */
export interface FixFile {
  /** Relative to the project, with `/`. */
  readonly path: string
  readonly content: string
  /** Whether the file exists and is changed. */
  readonly isPatch: boolean
}

export interface PatchedChange {
  readonly change: SchemaChange
  /** The file. */
  readonly path: string
  /** The line that was put in, or taken out. */
  readonly line: string
  /** Notes, one sentence each. */
  readonly notes: readonly string[]
}

/** A change that cannot be written in the project's own format. */
export interface RefusedChange {
  readonly change: SchemaChange
  /** In a sentence. */
  readonly why: string
  /** SQL to run manually. Empty if the database does not support it. */
  readonly sql: readonly string[]
}

/**
 * Plans the files that add changes to a project, in its format. Reads and writes nothing.
 *
 * @param at - Creation time of the files: the names of migrations begin with it.
 */
export function planFixFiles(
  changes: readonly SchemaChange[],
  project: ProjectFormat,
  facts: DatabaseFacts,
  at: Date,
): FixPlan {
  const possible = changes.filter((change) => changeProblem(change, facts) === undefined)
  const impossible = changes.flatMap((change): RefusedChange[] => {
    const why = changeProblem(change, facts)
    return why === undefined ? [] : [{ change, why, sql: [] }]
  })
  if (possible.length === 0) return { files: [], patched: [], unchanged: [], refused: impossible }
  const plan = project.plan(possible, facts, at)
  return { ...plan, refused: [...plan.refused, ...impossible] }
}

/** Why the database cannot have a change, in a sentence; `undefined` if it can. */
export function changeProblem(change: SchemaChange, facts: DatabaseFacts): string | undefined {
  try {
    schemaChangeSql(change, facts)
    return undefined
  } catch (error) {
    if (!isInstance(error, SluiceError)) throw error
    return error.message
  }
}

/** A folder of SQL files. */
export interface SqlFolder {
  /** @defaultValue `sluice/fixes` */
  readonly dir?: string
  /** Names of the existing files. */
  readonly existing?: readonly string[]
}

/** A project that takes its changes as SQL files. */
export function sqlProject(folder?: SqlFolder): ProjectFormat {
  return {
    kind: 'sql',
    naming: DEFAULT_NAMING,
    plan: (changes, facts) => ({
      files: [sqlFix(changes, facts, folder)],
      patched: [],
      unchanged: [],
      refused: [],
    }),
  }
}

/**
 * A file for `psql`, `mysql` or `sqlite3`: the statements, why, and what takes them back.
 *
 * @throws InvalidArgumentError for a change that the database cannot have.
 */
export function sqlFix(
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
  { dir = 'sluice/fixes', existing = [] }: SqlFolder = {},
): FixFile {
  const sql = changes.map((change) => ({ change, ...schemaChangeSql(change, facts) }))
  const lines = sql.flatMap(({ change, steps, notes }) => [
    '',
    ...comment([...changeComment(change), ...notes]),
    ...steps.flatMap((step) => limited(step, facts)),
  ])
  const undo = [...sql]
    .reverse()
    .flatMap((one) => one.undo.map((step) => `-- ${step.sql.replace(/\s+/g, ' ')};`))
  const content = [...intro(facts), ...lines, '', '-- To take it back:', ...undo].join('\n')
  return {
    path: `${dir}/${nextNumber(existing)}_${nameOf(changes)}.sql`,
    content: `${content}\n`,
    isPatch: false,
  }
}

function intro({ product }: DatabaseFacts): string[] {
  if (product === 'postgresql') {
    return [
      '-- For psql, without --single-transaction: nothing is built CONCURRENTLY in a transaction.',
      '-- A failed statement leaves an invalid index: drop it, and run the statement again.',
      '-- A concurrent build waits for open transactions, and does not block other queries.',
      limit('concurrent'),
    ]
  }
  if (product === 'sqlite') return ['-- For sqlite3. Nothing else can write to the file meanwhile.']
  return [
    '-- A change waits for transactions that use the table, and blocks other queries meanwhile, so it gives up after 5 seconds.',
    'SET SESSION lock_wait_timeout = 5;',
  ]
}

/** A statement that blocks others gives up sooner. */
function limited({ sql, isConcurrent }: SqlStep, { product }: DatabaseFacts): string[] {
  if (product !== 'postgresql' || isConcurrent) return [`${sql};`]
  return [limit('blocking'), `${sql};`, limit('concurrent')]
}

const limit = (how: keyof typeof LOCK_TIMEOUT) => `SET lock_timeout = '${LOCK_TIMEOUT[how]}';`

/** `city_region_id`: what the first is about. */
function nameOf(changes: readonly SchemaChange[]): string {
  const [first] = changes
  if (first === undefined) return 'no_changes'
  const name = first.name.replace(/_(idx|index|key|unique)$/, '')
  return fileName(first.kind === 'create-index' ? name : `drop_${name}`)
}

function nextNumber(existing: readonly string[]): string {
  const numbers = existing.map((name) => Number(/^(\d+)_/.exec(name)?.[1] ?? 0))
  return String(Math.max(0, ...numbers) + 1).padStart(3, '0')
}

function comment(lines: readonly string[]): string[] {
  return lines.map((line) => `-- ${commentText(line)}`)
}
