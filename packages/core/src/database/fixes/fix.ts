import type { IndexDefinition } from '../index-definition.ts'

/** A change of the schema that the advisor proposes. */
export type SchemaChange = CreateIndexChange | DropIndexChange

export interface CreateIndexChange {
  readonly kind: 'create-index'
  readonly index: IndexDefinition
  readonly name: string
  /** Why, in a sentence: it becomes a comment where the change is written. */
  readonly reason?: string
}

export interface DropIndexChange {
  readonly kind: 'drop-index'
  /** As it is, so that the change can be undone. */
  readonly index: IndexDefinition
  readonly name: string
  /** Why, in a sentence. */
  readonly reason?: string
}

/** One file to write, or a change to one that is there. */
export interface FixFile {
  /** Relative to the project, with `/`. */
  readonly path: string
  readonly content: string
  /** Whether the file exists and is changed. */
  readonly isPatch: boolean
}

/** A change that cannot be written in the project's own format. */
export interface RefusedChange {
  readonly change: SchemaChange
  /** In a sentence. */
  readonly why: string
  /** What would do it, to be run by hand. Empty where the database has no such thing. */
  readonly sql: readonly string[]
}
