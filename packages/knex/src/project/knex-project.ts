import {
  codeLiteral,
  type DatabaseFacts,
  type FixFile,
  type IndexNaming,
  migrationLines,
  migrationName,
  type ProjectFormat,
  type SchemaChange,
  timeStamps,
} from '@sluice/core/database'
import { type KnexLanguage, knexTemplate } from './knex-template.ts'

/** Knex's default index names: `city_region_id_index`, `city_code_unique`. */
export const knexNaming: IndexNaming = {
  suffix: '_index',
  uniqueSuffix: '_unique',
  stem: (table, columns) => [table.replace(/[.-]/g, '_'), ...columns].join('_').toLowerCase(),
}

/** Writes changes into one Knex migration. */
export function knexProject(project: KnexProject): ProjectFormat {
  return {
    kind: 'knex',
    naming: knexNaming,
    plan: (changes, facts, at) => ({
      files: [knexMigration(changes, facts, project, at)],
      patched: [],
      unchanged: [],
      refused: [],
    }),
  }
}

/** The migrations of a project. All paths are relative to the project, with `/`. */
export interface KnexProject {
  /** Language of the project's migrations: TypeScript, or JavaScript with `export` or with `exports`. */
  readonly language: KnexLanguage
  /** File extension of the migrations: `.ts`, `.js`, `.mjs`, `.cjs`. Default: depends on the language. */
  readonly extension?: string
  readonly migrationsDir: string
  /** Names of the existing migrations. */
  readonly migrations?: readonly string[]
}

const EXTENSIONS: Readonly<Record<KnexLanguage, string>> = { ts: '.ts', esm: '.mjs', cjs: '.js' }

/**
 * One migration for all changes. It can run again: existing indexes stay, and the remains of an unfinished
 * run are replaced.
 *
 * @throws InvalidArgumentError for a change that the database does not support.
 */
export function knexMigration(
  changes: readonly SchemaChange[],
  facts: DatabaseFacts,
  project: KnexProject,
  at: Date,
): FixFile {
  const { language, extension = EXTENSIONS[language], migrationsDir, migrations = [] } = project
  const [stamp] = timeStamps(1, at, migrations)
  // `knex.raw` interprets `?` as a binding.
  const { up, down } = migrationLines(changes, facts, (sql) => codeLiteral(sql.replaceAll('?', '\\?')))
  return {
    path: `${migrationsDir}/${stamp}_${migrationName(changes)}${extension}`,
    content: knexTemplate(facts.product, language, up, down),
    isPatch: false,
  }
}
