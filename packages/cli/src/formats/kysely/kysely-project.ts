import {
  codeLiteral,
  type DatabaseFacts,
  type FixFile,
  type FixPlan,
  type IndexNaming,
  migrationLines,
  migrationName,
  type ProjectFormat,
  quoteName,
  type SchemaChange,
  type SqlFolder,
  schemaChangeSql,
  sqlFix,
} from '@sluice/core/database'
import type { MigrationLanguage } from '../../project/detected-project.ts'
import { kyselyTemplate, migrationPrefix } from './kysely-template.ts'

/** Kysely has no default names for indexes. Its documentation names them `person_name_index`. */
export const kyselyNaming: IndexNaming = { suffix: '_index', uniqueSuffix: '_unique' }

/** The migrations of a project. All paths are relative to the project, with `/`. */
export interface KyselyProject {
  readonly language: MigrationLanguage
  /** File extension of the migrations: `.ts`, `.js`, `.mjs`, `.cjs`. */
  readonly extension: string
  /** Omit it if the project has no migrations. The changes are then returned as SQL. */
  readonly migrationsDir?: string
  /** Names of the existing migrations. */
  readonly migrations: readonly string[]
  readonly fixes?: SqlFolder
}

/** Writes changes into one Kysely migration. */
export function kyselyProject(project: KyselyProject): ProjectFormat {
  return {
    kind: 'kysely',
    naming: kyselyNaming,
    plan: (changes, facts, at) => plan(changes, facts, project, at),
  }
}

function plan(
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
  project: KyselyProject,
  at: Date,
): FixPlan {
  const { migrationsDir, migrations, fixes } = project
  const prefix = migrationPrefix(migrations, at)
  if (migrationsDir !== undefined && prefix !== undefined) {
    const file = kyselyMigration(changes, facts, `${migrationsDir}/${prefix}`, project)
    return { files: [file], patched: [], unchanged: [], refused: [] }
  }
  const why =
    migrationsDir === undefined
      ? 'The project has no migrations folder with a Kysely migration.'
      : `The names of the migrations in ${migrationsDir} do not begin with a number or a date.`
  return {
    files: [sqlFix(changes, facts, fixes)],
    patched: [],
    unchanged: [],
    refused: changes.map((change) => ({
      change,
      why,
      sql: schemaChangeSql(change, facts).steps.map(({ sql }) => sql),
    })),
  }
}

/**
 * One migration for all changes. It can run again: existing indexes stay, and the remains of an unfinished
 * run are replaced. On PostgreSQL it builds indexes CONCURRENTLY if the migrator does not open a transaction.
 *
 * @param start - Path of the file up to the descriptive part of its name.
 * @throws InvalidArgumentError for a change that the database does not support.
 */
function kyselyMigration(
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
  start: string,
  { language, extension }: KyselyProject,
): FixFile {
  const { up, down } = migrationLines(changes, facts, codeLiteral)
  return {
    path: `${start}${migrationName(changes)}${extension}`,
    content: kyselyTemplate(facts.product, language, {
      up,
      down,
      built: builtTables(changes, facts),
      rebuilt: builtTables(changes, facts, 'undo'),
    }),
    isPatch: false,
  }
}

/** The tables, quoted, that a concurrent build would not block. */
function builtTables(
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
  direction: 'steps' | 'undo' = 'steps',
): string[] {
  if (facts.product !== 'postgresql') return []
  const tables = changes.flatMap((change) =>
    schemaChangeSql(change, facts)[direction].flatMap(({ isConcurrent, creates }) =>
      isConcurrent && creates !== undefined
        ? [creates.schema, creates.table]
            .filter((name) => name !== undefined)
            .map((name) => quoteName(name, 'postgresql'))
            .join('.')
        : [],
    ),
  )
  return [...new Set(tables)]
}
