import type { Dialect } from '@sluice/core'
import type fc from 'fast-check'
import type { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import type { Row } from '../support/random-operations.ts'
import type { Call, Loop, GeneratedOrm as Orm, Step, Walk } from './program.ts'

/** The database and models for which programs are generated. */
export interface Ground {
  readonly dialect: Dialect
  readonly schema: PrismaSchema
  readonly rows: ReadonlyMap<string, readonly Row[]>
}

/** The calls that programs on one schema consist of. */
export interface Vocabulary {
  readonly dialect: Dialect
  /** Calls by key, many at a time. */
  loop(orm: Orm): fc.Arbitrary<Loop>
  /** Whole tables, which almost every write invalidates. */
  view(orm: Orm): fc.Arbitrary<Loop>
  write(orm: Orm): fc.Arbitrary<Call>
  /** Writes to the rows that a walk looks up. */
  writeNear(orm: Orm, walk: Walk): fc.Arbitrary<Call>
  /** Writes of a transaction: none to the tables of `distantWrite`. */
  writeInTransaction(orm: Orm): fc.Arbitrary<Call>
  /** Writes outside a transaction while it is open. If omitted, there are only reads then. */
  distantWrite?(): fc.Arbitrary<Call>
  /** Loops over the rows of a listing, and over the rows found for each. */
  walk(orm: Orm | 'both'): fc.Arbitrary<Walk>
  /** Loops one level deep that query every row of a listing once. */
  poll(orm: Orm): fc.Arbitrary<Walk>
  /** Loops that query the rows of a listing by their own keys. Omitted if no model is suitable. */
  refetch?(orm: Orm): fc.Arbitrary<Walk>
  /** Reads around a hidden change of their results. Omitted if the database has no such features. */
  unseen?(): fc.Arbitrary<readonly Step[]>
  /** Whether the database may find a row by a different string from that of the row. */
  isLoose(text: unknown): boolean
}
