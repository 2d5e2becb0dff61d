import type { AppSources } from '../source/app-sources.ts'
import type { SourceModule } from '../source/source-module.ts'
import type { MigrationLanguage } from './migration-language.ts'

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
