import type { Dialect } from '@sluice/core'
import type { Shop } from '../shop.ts'
import type { Value } from '../shop-rows.ts'

/**
 * Indexes that a careful person would make for one statement. Each text is one need; ` | ` parts answers that are as good, ` & ` indexes that are so
 * together. An index answers where its first keys are those named, in this order and in these directions, or all in the other ones; columns with `+`
 * between them may come in any order: `orders (status + region, placed_at desc) where read_at is null`. Empty: no index should come.
 */
export type Answer = readonly string[]

/** One statement of an app, without its values. */
export interface Shape {
  readonly id: string
  /** What it is a case of. */
  readonly asks: string
  /** In the notation of `statement-text.ts`, which depends on who writes it. */
  readonly orm: 'prisma' | 'knex'
  readonly text: string | Readonly<Record<Dialect, string>>
  readonly calls: number
  /** What it is called with, at one call. Pages come after these by themselves. */
  readonly values: (shop: Shop) => readonly Value[]
  readonly answer: Answer | Readonly<Record<Dialect, Answer>>
  /** Further indexes that are no mistake. */
  readonly allowed?: Answer
  /** Writes that there are whenever it is asked: by `id`. */
  readonly beside?: readonly string[]
  /**
   * Without an index it takes SQLite minutes, on a sample of the rows as well: asked for alone, it is not measured there.
   * @defaultValue false
   */
  readonly isEndlessOnSqlite?: boolean
  /** Why this is the answer, where that is not plain. */
  readonly why?: string
}

/** A write: it counts against indexes, and wants none. */
export interface WriteShape extends Pick<Shape, 'id' | 'orm' | 'text' | 'calls' | 'values'> {}

export const NONE: Answer = []
