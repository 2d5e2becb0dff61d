import { SluiceError } from '../../shared/errors.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { DatabaseFacts } from './database-facts.ts'
import type { IndexNaming } from './index-name.ts'
import { type SchemaChange, schemaChangeSql } from './schema-change.ts'

/** A project whose schema is changed, in the format of its ORM. All paths are relative to the project, with `/`. */
export interface ProjectFormat {
  /** For messages: the name of the ORM, or `sql`. */
  readonly kind: string
  /** How the ORM names indexes. */
  readonly naming: IndexNaming
  /** Names that the project's files have given to indexes, which the database may lack so far: `index` must get a different name. */
  takenNames?(index: IndexDefinition, facts: DatabaseFacts): Iterable<string>
  /**
   * The files that bring changes to the project. Nothing is read or written.
   *
   * @param changes - Changes that the database can have.
   * @param at - When the files are made: the names of migrations begin with it.
   */
  plan(changes: readonly SchemaChange[], facts: DatabaseFacts, at: Date): FixPlan
}

/** What to write for changes. */
export interface FixPlan {
  readonly files: readonly FixFile[]
  /** Lines of a schema file that were put in or taken out. */
  readonly patched: readonly PatchedChange[]
  /** Changes that the project's schema has already: it only has to be brought to the database. */
  readonly unchanged: readonly { readonly change: SchemaChange; readonly why: string }[]
  /** Changes that are in no file of the project's own format. What SQL there is for them is in a file of its own. */
  readonly refused: readonly RefusedChange[]
}

/** One file to write, or a change to one that is there. */
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
  /** What the line does not say, each in a sentence. */
  readonly notes: readonly string[]
}

/** A change that cannot be written in the project's own format. */
export interface RefusedChange {
  readonly change: SchemaChange
  /** In a sentence. */
  readonly why: string
  /** What would do it, to be run by hand. Empty where the database has no such thing. */
  readonly sql: readonly string[]
}

/**
 * The files that bring changes to a project, in its own format. Nothing is read or written.
 *
 * @param at - When the files are made: the names of migrations begin with it.
 */
export function planFixFiles(changes: readonly SchemaChange[], project: ProjectFormat, facts: DatabaseFacts, at: Date): FixPlan {
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
    if (!(error instanceof SluiceError)) throw error
    return error.message
  }
}
