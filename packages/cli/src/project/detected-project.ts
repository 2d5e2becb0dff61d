/** A detected project and the files for its fixes. All paths are relative to the folder, with `/`. */
export type DetectedProject = DetectedPrisma | DetectedKnex | DetectedSql

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
  readonly language: 'ts' | 'esm' | 'cjs'
  /** File extension of migrations: `.ts`. */
  readonly extension: string
  readonly migrationsDir: string
  readonly migrations: readonly string[]
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
