import { SluiceError } from '../../shared/errors.ts'
import type { DatabaseFacts } from './database-facts.ts'
import type { FixFile, RefusedChange, SchemaChange } from './fix.ts'
import { knexMigration } from './knex/knex-migration.ts'
import type { KnexLanguage } from './knex/knex-template.ts'
import { type PatchedChange, type PrismaPatch, patchPrismaSchema } from './prisma/patch-prisma-schema.ts'
import { prismaMigration } from './prisma/prisma-migration.ts'
import type { SchemaFile } from './prisma/schema-file.ts'
import { schemaChangeSql } from './schema-change-sql.ts'
import { sqlFix } from './sql-fix.ts'

/** A project whose schema is changed. All paths are relative to it, with `/`. */
export type FixProject = PrismaProject | KnexProject | SqlProject

export interface PrismaProject {
  readonly kind: 'prisma'
  /** All files of the schema. */
  readonly schemaFiles: readonly SchemaFile[]
  /** Left out: the project has no migrations, and `prisma db push` makes its tables. The changes come as SQL then, to be run before. */
  readonly migrationsDir?: string
  /** Names of the migrations that are there. */
  readonly migrations?: readonly string[]
  readonly fixes?: SqlFolder
}

export interface KnexProject {
  readonly kind: 'knex'
  readonly language: KnexLanguage
  /** As the names of its migrations end: `.ts`, `.js`, `.mjs`, `.cjs`. Left out: by the language. */
  readonly extension?: string
  readonly migrationsDir: string
  readonly migrations?: readonly string[]
}

export interface SqlProject {
  readonly kind: 'sql'
  readonly fixes?: SqlFolder
}

/** Where SQL files are kept. */
export interface SqlFolder {
  /** @defaultValue `sluice/fixes` */
  readonly dir?: string
  /** Names of the files that are there. */
  readonly existing?: readonly string[]
}

/** What to write for changes. */
export interface FixPlan {
  readonly files: readonly FixFile[]
  /** Lines of a Prisma schema that were put in or taken out. */
  readonly patched: readonly PatchedChange[]
  /** Changes that the project's schema has already: it only has to be brought to the database. */
  readonly unchanged: PrismaPatch['unchanged']
  /** Changes that are in no file of the project's own format. What SQL there is for them is in a file of its own. */
  readonly refused: readonly RefusedChange[]
}

/**
 * The files that bring changes to a project, in its own format. Nothing is read or written.
 *
 * @param at - When the files are made: the names of migrations begin with it.
 */
export function planFixFiles(changes: readonly SchemaChange[], project: FixProject, facts: DatabaseFacts, at: Date): FixPlan {
  const impossible = changes.flatMap((change) => problemOf(change, facts) ?? [])
  const possible = changes.filter((change) => !impossible.some((refusal) => refusal.change === change))
  if (possible.length === 0) return { files: [], patched: [], unchanged: [], refused: impossible }
  const plan = project.kind === 'prisma' ? planPrisma(possible, project, facts, at) : planOther(possible, project, facts, at)
  return { ...plan, refused: [...plan.refused, ...impossible] }
}

function planPrisma(changes: readonly SchemaChange[], project: PrismaProject, facts: DatabaseFacts, at: Date): FixPlan {
  const { schemaFiles, migrationsDir, migrations = [], fixes } = project
  const { files, applied, unchanged, refused } = patchPrismaSchema(schemaFiles, changes, facts)
  const patches = files
    .filter(({ content }, index) => content !== schemaFiles[index]?.content)
    .map(({ path, content }) => ({ path, content, isPatch: true }))
  const hasMigrations = migrationsDir !== undefined
  const isIn = (list: readonly { readonly change: SchemaChange }[], change: SchemaChange) =>
    list.some((one) => one.change.name === change.name && one.change.index === change.index)
  const canMigrate = refused.filter((refusal) => refusal.canMigrate)
  const migrated = changes.filter((change) => isIn(applied, change) || isIn(canMigrate, change))
  const byHand = changes.filter((change) => isIn(refused, change) && !(hasMigrations && isIn(canMigrate, change)))
  const inMigrations =
    hasMigrations && migrated.length > 0 ? prismaMigration(migrated, facts, { migrationsDir, at, existing: migrations }) : []
  const inSql = hasMigrations ? byHand : changes.filter((change) => !isIn(unchanged, change))
  return {
    files: [...patches, ...inMigrations, ...(inSql.length === 0 ? [] : [sqlFile(inSql, facts, fixes)])],
    patched: applied,
    unchanged,
    refused: refused.map(({ change, why, sql }) => ({ change, why, sql })),
  }
}

function planOther(changes: readonly SchemaChange[], project: KnexProject | SqlProject, facts: DatabaseFacts, at: Date): FixPlan {
  if (project.kind === 'sql') return { files: [sqlFile(changes, facts, project.fixes)], patched: [], unchanged: [], refused: [] }
  const { language, extension, migrationsDir, migrations: existing = [] } = project
  const file = knexMigration(changes, facts, { language, ...(extension === undefined ? {} : { extension }), migrationsDir, at, existing })
  return { files: [file], patched: [], unchanged: [], refused: [] }
}

function sqlFile(changes: readonly SchemaChange[], facts: DatabaseFacts, { dir = 'sluice/fixes', existing = [] }: SqlFolder = {}): FixFile {
  return sqlFix(changes, facts, { dir, existing })
}

function problemOf(change: SchemaChange, facts: DatabaseFacts): RefusedChange | undefined {
  try {
    schemaChangeSql(change, facts)
    return undefined
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error
    return { change, why: error.message, sql: [] }
  }
}
