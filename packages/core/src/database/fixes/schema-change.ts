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
