import type { AppSources } from '../source/app-sources.ts'
import type { SourceModule } from '../source/source-module.ts'
import { type ProjectFolder, withoutComments } from './project-folder.ts'

/** A detected project and the files for its fixes. All paths are relative to the folder, with `/`. */
export type DetectedProject = DetectedPrisma | DetectedKnex | DetectedDrizzle | DetectedKysely | DetectedSql

export interface DetectedPrisma {
  readonly kind: 'prisma'
  readonly schemaFiles: readonly TextFile[]
  /** `undefined` if the project has no migrations folder. */
  readonly migrationsDir?: string
  /** Names of the existing migrations. */
  readonly migrations: readonly string[]
  readonly fixes: SqlFiles
  readonly database?: DetectedDatabase
}

export interface DetectedKnex {
  readonly kind: 'knex'
  /** Client in the knexfile: `pg`, `mysql2`, `better-sqlite3`. */
  readonly client?: string
  readonly language: MigrationLanguage
  /** File extension of migrations: `.ts`. */
  readonly extension: string
  readonly migrationsDir: string
  readonly migrations: readonly string[]
  readonly database?: DetectedDatabase
}

export interface DetectedDrizzle {
  readonly kind: 'drizzle'
  /** Files that define tables. */
  readonly schemaFiles: readonly SourceModule[]
  readonly sources: AppSources
  /** Whether the project has migrations of drizzle-kit. Otherwise, it uses `drizzle-kit push`. */
  readonly hasMigrations: boolean
  readonly fixes: SqlFiles
  readonly database?: DetectedDatabase
}

export interface DetectedKysely {
  readonly kind: 'kysely'
  readonly language: MigrationLanguage
  /** File extension of migrations: `.ts`. */
  readonly extension: string
  /** `undefined` if the project has no migrations folder. */
  readonly migrationsDir?: string
  /** Names of the existing migrations: all files that Kysely's file provider loads. */
  readonly migrations: readonly string[]
  readonly fixes: SqlFiles
  readonly database?: DetectedDatabase
}

interface DetectedSql {
  readonly kind: 'sql'
  readonly fixes: SqlFiles
  readonly database?: DetectedDatabase
}

export interface TextFile {
  readonly path: string
  readonly content: string
}

export interface SqlFiles {
  readonly dir: string
  readonly existing: readonly string[]
}

export interface DetectedDatabase {
  readonly url: string
  /** Source of the URL, for messages: `DATABASE_URL in .env`. */
  readonly from: string
}

/** TypeScript, or JavaScript with `export` or with `exports`. */
export type MigrationLanguage = 'ts' | 'esm' | 'cjs'

const MIGRATION = /(?<!\.d)\.[cm]?[jt]s$/

/** Names of the migrations among the files of a folder: those that begin with a number. */
export function migrationFiles(names: readonly string[]): string[] {
  return names.filter((name) => /^\d/.test(name) && MIGRATION.test(name))
}

/** The extension of the latest migration, otherwise that of the configuration. Default: `.js`. */
export function migrationExtension(latest: string | undefined, configuration: string): string {
  return MIGRATION.exec(latest ?? configuration)?.[0] ?? '.js'
}

/** The language of migrations by their extension, the latest migration, and the project's package.json. */
export async function migrationLanguage(
  folder: ProjectFolder,
  extension: string,
  latest: string | undefined,
  dir: string,
): Promise<MigrationLanguage> {
  if (/^\.[cm]?ts$/.test(extension)) return 'ts'
  if (extension !== '.js') return extension === '.mjs' ? 'esm' : 'cjs'
  const migration = latest === undefined ? undefined : await folder.read(`${dir}/${latest}`)
  if (migration !== undefined) return /^[ \t]*export\s/m.test(withoutComments(migration)) ? 'esm' : 'cjs'
  return /"type"\s*:\s*"module"/.test((await folder.read('package.json')) ?? '') ? 'esm' : 'cjs'
}
