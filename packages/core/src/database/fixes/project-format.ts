import { SluiceError } from '../../shared/errors.ts'
import { isInstance } from '../../shared/thrown.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { DatabaseFacts } from './database-facts.ts'
import type { IndexNaming } from './index-name.ts'
import { type SchemaChange, schemaChangeSql } from './schema-change.ts'

/**
 * A project whose schema is changed, in the format of its ORM. All paths are relative to the project, with
 * `/`.
 */
export interface ProjectFormat {
  /** For messages: the name of the ORM, or `sql`. */
  readonly kind: string
  /** How the ORM names indexes. */
  readonly naming: IndexNaming
  /**
   * Names that the project's files have given to indexes, which the database may lack so far: `index` must
   * get a different name.
   */
  takenNames?(index: IndexDefinition, facts: DatabaseFacts): Iterable<string>
  /**
   * Plans the files that add changes to the project. Reads and writes nothing.
   *
   * @param changes - Changes that the database supports.
   * @param at - Creation time of the files: the names of migrations begin with it.
   */
  plan(changes: readonly SchemaChange[], facts: DatabaseFacts, at: Date): FixPlan
}

/** Files to write for changes. */
export interface FixPlan {
  readonly files: readonly FixFile[]
  /** Lines of a schema file that were put in or taken out. */
  readonly patched: readonly PatchedChange[]
  /** Changes that the project's schema has already: it only has to be brought to the database. */
  readonly unchanged: readonly { readonly change: SchemaChange; readonly why: string }[]
  /** Changes that the project's format does not support. Their SQL is in a separate file. */
  readonly refused: readonly RefusedChange[]
  /** Notes on what to do after the files are written, one line each. */
  readonly next?: readonly string[]
}

/** One file to write, or a change of an existing one. */
export interface FixFile {
  /** Relative to the project, with `/`. */
  readonly path: string
  readonly content: string
  /** Whether the file exists and is changed. */
  readonly isPatch: boolean
}

export interface PatchedChange {
  readonly change: SchemaChange
  /** The file. */
  readonly path: string
  /** The line that was put in, or taken out. */
  readonly line: string
  /** Notes, one sentence each. */
  readonly notes: readonly string[]
}

/** A change that cannot be written in the project's own format. */
export interface RefusedChange {
  readonly change: SchemaChange
  /** In a sentence. */
  readonly why: string
  /** SQL to run manually. Empty if the database does not support it. */
  readonly sql: readonly string[]
}

/**
 * Plans the files that add changes to a project, in its format. Reads and writes nothing.
 *
 * @param at - Creation time of the files: the names of migrations begin with it.
 */
export function planFixFiles(
  changes: readonly SchemaChange[],
  project: ProjectFormat,
  facts: DatabaseFacts,
  at: Date,
): FixPlan {
  const possible = changes.filter((change) => changeProblem(change, facts) === undefined)
  const impossible = changes.flatMap((change): RefusedChange[] => {
    const why = changeProblem(change, facts)
    return why === undefined ? [] : [{ change, why, sql: [] }]
  })
  if (possible.length === 0) return { files: [], patched: [], unchanged: [], refused: impossible }
  const plan = project.plan(possible, facts, at)
  return { ...plan, refused: [...plan.refused, ...impossible] }
}

/** Why the database cannot have a change, in a sentence; `undefined` if it can. */
export function changeProblem(change: SchemaChange, facts: DatabaseFacts): string | undefined {
  try {
    schemaChangeSql(change, facts)
    return undefined
  } catch (error) {
    if (!isInstance(error, SluiceError)) throw error
    return error.message
  }
}
