/** What a folder's project is, and what a fix for its database is written into. All paths are relative to the folder, with `/`. */
export type DetectedProject = DetectedPrisma | DetectedKnex | DetectedSql

export interface DetectedPrisma {
  readonly kind: 'prisma'
  readonly schemaFiles: readonly TextFile[]
  /** Left out: there is no folder of migrations. */
  readonly migrationsDir?: string
  /** Names of the migrations that are there. */
  readonly migrations: readonly string[]
  readonly fixes: SqlFiles
  readonly database?: DetectedDatabase
}

export interface DetectedKnex {
  readonly kind: 'knex'
  /** As the knexfile says: `pg`, `mysql2`, `better-sqlite3`. */
  readonly client?: string
  readonly language: 'ts' | 'esm' | 'cjs'
  /** Of a migration: `.ts`. */
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
  /** Where it was found, for a message: `DATABASE_URL in .env`. */
  readonly from: string
}
