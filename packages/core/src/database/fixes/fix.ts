import type { IndexDefinition } from '../index-definition.ts'

/** A change of the schema that the advisor proposes. */
export type SchemaChange =
  | { readonly kind: 'create-index'; readonly index: IndexDefinition; readonly name: string }
  /** `index` as it is, so that the change can be undone. */
  | { readonly kind: 'drop-index'; readonly index: IndexDefinition; readonly name: string }

/** One file to write, or a change to one that is there. */
export interface FixFile {
  /** Relative to the project, with `/`. */
  readonly path: string
  readonly content: string
  /** Whether the file exists and is changed. */
  readonly isPatch: boolean
}
