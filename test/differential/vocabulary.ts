import type { Dialect } from '@sluice/core'
import type fc from 'fast-check'
import type { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import type { Row } from '../support/random-operations.ts'
import type { Call, Loop, Step, Walk } from './program.ts'

/** What programs are made for. */
export interface Ground {
  readonly dialect: Dialect
  readonly schema: PrismaSchema
  readonly rows: ReadonlyMap<string, readonly Row[]>
}

type Orm = Call['orm']

/** The calls that programs on one schema are made of. */
export interface Vocabulary {
  readonly dialect: Dialect
  /** Calls by key, many at a time. */
  loop(orm: Orm): fc.Arbitrary<Loop>
  /** Whole tables: hardly a write goes by them. */
  view(orm: Orm): fc.Arbitrary<Loop>
  write(orm: Orm): fc.Arbitrary<Call>
  /** Writes to what a walk looks up. */
  writeNear(orm: Orm, walk: Walk): fc.Arbitrary<Call>
  /** Writes of a transaction: none to the tables of `distantWrite`. */
  writeInTransaction(orm: Orm): fc.Arbitrary<Call>
  /** Writes outside a transaction while it is open. Left out: there are only reads then. */
  distantWrite?(): fc.Arbitrary<Call>
  /** Loops over the rows of a listing, and of what is found for each. */
  walk(orm: Orm | 'both'): fc.Arbitrary<Walk>
  /** Loops one level deep that ask for every row of a listing once. */
  poll(orm: Orm): fc.Arbitrary<Walk>
  /** Loops that ask for the rows of a listing by their own keys. Left out where no model suits. */
  refetch?(orm: Orm): fc.Arbitrary<Walk>
  /** Reads around something that changes, unseen, what they find. Left out where the database has no such features. */
  unseen?(): fc.Arbitrary<readonly Step[]>
  /** Whether the database may find a row by a text that is not the row's own. */
  isLoose(text: unknown): boolean
}
