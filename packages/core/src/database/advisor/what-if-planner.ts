import type { TableId } from '../../schema/catalog-data.ts'
import type { IndexDefinition } from '../index-definition.ts'
import type { StatementUse } from './table-use.ts'

/** How it was found out that an index would be used. */
export type Validation =
  /** PostgreSQL's planner, asked with a hypothetical index. */
  | 'hypopg'
  /** PostgreSQL's planner in a scratch database with the statistics of this one. */
  | 'scratch'
  /** SQLite's planner on a clone of the schema, and timings on a sample of the rows. */
  | 'clone'
  /** MySQL's or MariaDB's planner on a sample of the rows. */
  | 'sample'
  /** Nobody was asked. */
  | 'none'

/** A statement as a planner is asked about it. */
export interface PlannedStatement {
  /** Tells it from others of the workload. */
  readonly id: number
  readonly sql: string
  /** Sets of bindings, over which costs are averaged; one empty set where it takes none. */
  readonly bindings: readonly (readonly unknown[])[]
  readonly use: StatementUse
}

export interface PlannerAnswer {
  /** In the planner's own unit. */
  readonly cost: number
  /** Which of the indexes that were supposed the plan uses: their labels. */
  readonly used: ReadonlySet<string>
  /** What the scans of whole tables cost, by table. */
  readonly scans: ReadonlyMap<TableId, number>
}

/** An index that is not there, and what a planner must know of it. */
export interface SupposedIndex {
  readonly definition: IndexDefinition
  /** Of the definition. */
  readonly label: string
  /** The share of the table's rows that it holds: less than 1 for a partial one. */
  readonly share: number
}

/** Tells what statements would cost if there were indexes that there are not. */
export interface WhatIfPlanner {
  readonly validation: Validation
  /**
   * What a statement costs under indexes that do not exist, beside those that do.
   *
   * @throws The database's own error, when it cannot plan the statement.
   */
  answer(statement: PlannedStatement, indexes: readonly SupposedIndex[]): Promise<PlannerAnswer>
  close(): Promise<void>
}
