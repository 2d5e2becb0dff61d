import {
  type DatabaseFacts,
  type FixPlan,
  type IndexNaming,
  type PatchedChange,
  type ProjectFormat,
  type RefusedChange,
  type SchemaChange,
  type SqlFolder,
  schemaChangeSql,
  sqlFix,
} from '@sluice/core/database'
import type { SourceModule } from '../../source/source-module.ts'
import { type DrizzleSchema, drizzleIndexNames, patchDrizzleSchema } from './patch-drizzle-schema.ts'

/** Drizzle's default index names: `city_region_id_index`. */
export const drizzleNaming: IndexNaming = { suffix: '_index', uniqueSuffix: '_unique' }

/** The files of a project with a Drizzle schema. All paths are relative to the project, with `/`. */
export interface DrizzleProject {
  /** Files that define tables. */
  readonly schemaFiles: readonly SourceModule[]
  readonly sources: DrizzleSchema['sources']
  /**
   * Whether drizzle-kit generates migrations from the schema. Otherwise `drizzle-kit push` creates the
   * tables, and the changes are also returned as SQL to run before it.
   */
  readonly hasMigrations: boolean
  readonly fixes?: SqlFolder
}

/** Writes changes into a Drizzle schema, from which drizzle-kit generates the migration. */
export function drizzleProject(project: DrizzleProject): ProjectFormat {
  const schema = { files: project.schemaFiles, sources: project.sources }
  return {
    kind: 'drizzle',
    naming: drizzleNaming,
    takenNames: (index, facts) => drizzleIndexNames(schema, index, facts),
    plan: (changes, facts) => plan(changes, project, facts),
  }
}

function plan(changes: readonly SchemaChange[], project: DrizzleProject, facts: DatabaseFacts): FixPlan {
  const { schemaFiles, sources, hasMigrations, fixes } = project
  let files: readonly SourceModule[] = schemaFiles
  const patched: PatchedChange[] = []
  const unchanged: { change: SchemaChange; why: string }[] = []
  const refused: RefusedChange[] = []
  for (const change of changes) {
    const outcome = patchDrizzleSchema({ files, sources }, change, facts)
    if ('patched' in outcome) {
      files = outcome.files
      patched.push(outcome.patched)
    } else if ('already' in outcome) unchanged.push({ change, why: outcome.already })
    else refused.push({ change, why: outcome.why, sql: sqlOf(change, facts) })
  }
  const patches = files
    .filter(({ text }, at) => text !== schemaFiles[at]?.text)
    .map(({ path, text }) => ({ path, content: text, isPatch: true }))
  const inSql = changes.filter(
    (change) =>
      refused.some((one) => one.change === change) ||
      (!hasMigrations && patched.some((one) => one.change === change)),
  )
  const sql = inSql.length === 0 ? [] : [sqlFix(inSql, facts, fixes)]
  return {
    files: [...patches, ...sql],
    patched,
    unchanged,
    refused,
    next: patched.length === 0 ? [] : nextSteps(hasMigrations, sql[0]?.path, facts),
  }
}

function nextSteps(hasMigrations: boolean, sql: string | undefined, { product }: DatabaseFacts): string[] {
  if (!hasMigrations) return [`next: run ${sql}, then npx drizzle-kit push`]
  const steps = ['next: npx drizzle-kit generate, then npx drizzle-kit migrate']
  return product === 'postgresql'
    ? [
        ...steps,
        'drizzle-kit writes CREATE INDEX without CONCURRENTLY, which blocks writes to the table during the build. ' +
          'For a large table, run npx sluice analyze --apply first, and add IF NOT EXISTS to the generated statement.',
      ]
    : steps
}

function sqlOf(change: SchemaChange, facts: DatabaseFacts): string[] {
  return schemaChangeSql(change, facts).steps.map(({ sql }) => sql)
}
