import {
  changeComment,
  commentText,
  type DatabaseFacts,
  type FixFile,
  fileName,
  LOCK_TIMEOUT,
  migrationName,
  type SchemaChange,
  type SqlStep,
  schemaChangeSql,
  timeStamps,
} from '@sluice/core/database'

interface PrismaMigrationOptions {
  /** Relative to the project: `prisma/migrations`. */
  readonly migrationsDir: string
  /** Creation time of the migrations. */
  readonly at: Date
  /** Names of the existing migrations. */
  readonly existing: readonly string[]
}

interface Migration {
  readonly name: string
  readonly lines: readonly string[]
}

/**
 * Migrations for `prisma migrate deploy`. On PostgreSQL each index is built in a separate migration: Prisma
 * sends a migration unchanged, and the statements of one script share a transaction, in which CONCURRENTLY is
 * not allowed. (Prisma 7.4 and later sends the statements of a script individually if it can split them,
 * which it cannot for DROP INDEX CONCURRENTLY.)
 *
 * @throws InvalidArgumentError for a change that the database does not support.
 */
export function prismaMigration(
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
  options: PrismaMigrationOptions,
): FixFile[] {
  const migrations =
    facts.product === 'postgresql'
      ? changes.flatMap((change) => apart(change, facts))
      : together(changes, facts)
  const stamps = timeStamps(migrations.length, options.at, options.existing)
  return migrations.map(({ name, lines }, at) => ({
    path: `${options.migrationsDir}/${stamps[at]}_${name}/migration.sql`,
    content: `${lines.join('\n')}\n`,
    isPatch: false,
  }))
}

/** Puts all changes into one migration. */
function together(changes: readonly SchemaChange[], facts: DatabaseFacts): Migration[] {
  if (changes.length === 0) return []
  const lines = changes.flatMap((change, at) => {
    const { steps, notes } = schemaChangeSql(change, facts)
    return [
      ...(at === 0 ? [] : ['']),
      ...comment([...changeComment(change), ...notes]),
      ...steps.map(statement),
    ]
  })
  return [{ name: migrationName(changes), lines }]
}

/** One migration for each statement that must run alone, and one for the statements between them. */
function apart(change: SchemaChange, facts: DatabaseFacts): Migration[] {
  const { steps, notes } = schemaChangeSql(change, facts)
  const groups: SqlStep[][] = []
  for (const step of steps) {
    const last = groups.at(-1)
    if (step.isConcurrent || last === undefined || last[0]?.isConcurrent === true) groups.push([step])
    else last.push(step)
  }
  return groups.map((group, at) => {
    const own = group[0]?.creates?.name ?? change.name
    const part = own === change.name ? (groups.length === 1 ? '' : `_${at + 1}`) : `_${at + 1}_${own}`
    const name = `${migrationName([change])}${fileName(part) === '' ? '' : `_${fileName(part)}`}`
    return {
      name,
      lines: [...comment([...changeComment(change), ...notes, ...advice(group)]), ...group.map(statement)],
    }
  })
}

/** Instructions for running the migration and for handling a failure. */
function advice(group: readonly SqlStep[]): string[] {
  const [step] = group
  if (step?.isConcurrent !== true) {
    return group.some(({ sql }) => !sql.startsWith('CREATE EXTENSION'))
      ? [
          `While it waits for a lock, other queries wait for it. Set a timeout in the URL of the connection: options=-c%20lock_timeout%3D${LOCK_TIMEOUT.blocking}.`,
        ]
      : []
  }
  const retry =
    step.creates === undefined
      ? []
      : [
          'If it fails, it leaves an invalid index. Drop it with DROP INDEX CONCURRENTLY IF EXISTS',
          `${commentText(step.creates.name)}, then run prisma migrate resolve --rolled-back with the name of this folder, and deploy again.`,
        ]
  return [
    'In a separate migration, because an index cannot be built CONCURRENTLY in a transaction.',
    `It waits for open transactions. To limit the wait, set options=-c%20lock_timeout%3D${LOCK_TIMEOUT.concurrent} in the URL of its connection.`,
    ...retry,
  ]
}

function comment(lines: readonly string[]): string[] {
  return lines.map((line) => `-- ${commentText(line)}`)
}

function statement({ sql }: SqlStep): string {
  return `${sql};`
}
