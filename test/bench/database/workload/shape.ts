import type { Dialect } from '@sluice/core'
import type { Shop } from '../shop.ts'
import type { Value } from '../shop-rows.ts'

/**
 * Indexes that a careful developer would create for one statement. Each string is one need; ` | ` separates
 * equally good answers, and ` & ` joins indexes that are only good together. An index is an answer if its
 * first keys are the named ones, in this order and in these directions, or all in the opposite ones. Columns
 * with `+` between them may appear in any order: `orders (status + region, placed_at desc) where read_at is
 * null`. Empty: no index is needed.
 */
export type Answer = readonly string[]

/** One statement of an app, without its values. */
export interface Shape {
  readonly id: string
  /** The kind of query that it represents. */
  readonly asks: string
  /** The ORM that sends it, which determines the notation of `text` in `statement-text.ts`. */
  readonly orm: 'prisma' | 'knex'
  readonly text: string | Readonly<Record<Dialect, string>>
  readonly calls: number
  /** The arguments of one call. Pages are appended automatically. */
  readonly values: (shop: Shop) => readonly Value[]
  readonly answer: Answer | Readonly<Record<Dialect, Answer>>
  /** Additional indexes that are accepted. */
  readonly allowed?: Answer
  /** Writes that occur with each query, by `id`. */
  readonly beside?: readonly string[]
  /**
   * Without an index it takes minutes in SQLite, even on a sample of the rows: individually, it is not
   * measured there.
   * @defaultValue false
   */
  readonly isEndlessOnSqlite?: boolean
  /** The reason for the answer, if it is not obvious. */
  readonly why?: string
}

/** A write: it counts against indexes, and needs none. */
export interface WriteShape extends Pick<Shape, 'id' | 'orm' | 'text' | 'calls' | 'values'> {}

export const NONE: Answer = []
