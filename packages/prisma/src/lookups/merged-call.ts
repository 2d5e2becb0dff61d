import type { InternalParams, QueryFunction } from '../internals.ts'
import type { KeyedPlan } from '../keyed-plan.ts'
import type { PrismaShape } from '../prisma-shape.ts'
import type { KeyPlan } from './key-plan.ts'
import type { Page } from './page.ts'
import type { RowFields } from './selection.ts'

type Args = Readonly<Record<string, unknown>>

/** What a merged query takes from the call that stands for all of its group. */
export interface MergedCall {
  readonly shape: PrismaShape
  readonly plan: KeyedPlan
  readonly key: KeyPlan
  /** Conditions beside the key. */
  readonly filters: Args
  /** Arguments beside `where`. */
  readonly rest: Args
  readonly fields: RowFields
  /** Rows beyond those asked for that may be fetched for each key. */
  readonly maxExtraRows: number
  /** For a page of each key's rows. */
  readonly page: Page | undefined
  readonly params: InternalParams
  readonly query: QueryFunction
}

/** Answers by `key.text`; what is left out is asked singly. `undefined`: nothing is certain. */
export type Answers = ReadonlyMap<string, unknown> | undefined

export type Row = Record<string, unknown>
