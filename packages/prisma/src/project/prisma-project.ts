import {
  type DatabaseFacts,
  type FixPlan,
  type IndexDefinition,
  type ProjectFormat,
  type SchemaChange,
  type SqlFolder,
  sqlFix,
  tableOf,
} from '@sluice/core/database'
import { patchPrismaSchema } from './patch-prisma-schema.ts'
import { modelIndexOf } from './prisma-index-line.ts'
import { prismaMigration } from './prisma-migration.ts'
import { covers, indexesOf, isModelOf, prismaNaming, type SchemaFile } from './prisma-model.ts'
import { readPrismaSchema } from './read-prisma-schema.ts'

/** The files of a project with a Prisma schema. All paths are relative to the project, with `/`. */
export interface PrismaProject {
  /** All files of the schema. */
  readonly schemaFiles: readonly SchemaFile[]
  /**
   * Omit it if the project has no migrations and creates its tables with `prisma db push`. The changes are
   * then returned as SQL to run before `db push`.
   */
  readonly migrationsDir?: string
  /** Names of the existing migrations. */
  readonly migrations?: readonly string[]
  readonly fixes?: SqlFolder
}

/** Writes changes into a Prisma schema, and into migrations for `prisma migrate deploy`. */
export function prismaProject(project: PrismaProject): ProjectFormat {
  return {
    kind: 'prisma',
    naming: prismaNaming,
    takenNames: (index, facts) => indexNames(project.schemaFiles, facts, index),
    plan: (changes, facts, at) => plan(changes, project, facts, at),
  }
}

function plan(
  changes: readonly SchemaChange[],
  project: PrismaProject,
  facts: DatabaseFacts,
  at: Date,
): FixPlan {
  const { schemaFiles, migrationsDir, migrations = [], fixes } = project
  const { files, applied, unchanged, refused } = patchPrismaSchema(schemaFiles, changes, facts)
  const patches = files
    .filter(({ content }, index) => content !== schemaFiles[index]?.content)
    .map(({ path, content }) => ({ path, content, isPatch: true }))
  const hasMigrations = migrationsDir !== undefined
  const isIn = (list: readonly { readonly change: SchemaChange }[], change: SchemaChange) =>
    list.some((one) => one.change.name === change.name && one.change.index === change.index)
  const migratable = refused.filter(({ canMigrate }) => canMigrate)
  const migrated = changes.filter((change) => isIn(applied, change) || isIn(migratable, change))
  const byHand = changes.filter(
    (change) => isIn(refused, change) && !(hasMigrations && isIn(migratable, change)),
  )
  const inMigrations =
    hasMigrations && migrated.length > 0
      ? prismaMigration(migrated, facts, { migrationsDir, at, existing: migrations })
      : []
  const inSql = hasMigrations ? byHand : changes.filter((change) => !isIn(unchanged, change))
  return {
    files: [...patches, ...inMigrations, ...(inSql.length === 0 ? [] : [sqlFix(inSql, facts, fixes)])],
    patched: applied,
    unchanged,
    refused: refused.map(({ change, why, sql }) => ({ change, why, sql })),
  }
}

/**
 * Index names in a schema, which another index must not use.
 *
 * @param except - Index whose own line does not count: the schema can already contain the index while the
 * database lacks it.
 */
function indexNames(files: readonly SchemaFile[], facts: DatabaseFacts, except: IndexDefinition): string[] {
  const schema = readPrismaSchema(files, facts)
  return schema.models.flatMap((model) => {
    const indexes = indexesOf(model)
    if (!isModelOf(model, tableOf(facts, except.table), facts)) return indexes.map(({ name }) => name)
    const target = modelIndexOf(except, '', model, schema, facts)
    return indexes
      .filter((index) => !('index' in target && covers(index, target.index)))
      .map(({ name }) => name)
  })
}
