import type { DatabaseFacts } from './database-facts.ts'
import { LOCK_TIMEOUT, type SqlStep } from './ddl/change-sql.ts'
import { DEFAULT_NAMING } from './index-name.ts'
import { changeComment, commentText, fileName } from './migration-text.ts'
import type { FixFile, ProjectFormat } from './project-format.ts'
import { type SchemaChange, schemaChangeSql } from './schema-change.ts'

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
