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
  /** No planner was available. */
  | 'none'

/** A statement, as it is passed to a planner. */
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
  /** Cost of scans of whole tables, by table. */
  readonly scans: ReadonlyMap<TableId, number>
}

/** The answer of a planner whose costs are too low by a factor. */
export function scaled(answer: PlannerAnswer, factor: number): PlannerAnswer {
  if (factor === 1) return answer
  const { cost, used, scans } = answer
  return {
    cost: cost * factor,
    used,
    scans: new Map([...scans].map(([table, own]) => [table, own * factor])),
  }
}

/** An index that is not there, and what a planner must know of it. */
export interface SupposedIndex {
  readonly definition: IndexDefinition
  /** Label of the definition. */
  readonly label: string
  /** The share of the table's rows that it holds: less than 1 for a partial one. */
  readonly share: number
}

/** Estimates the cost of statements with hypothetical indexes. */
export interface WhatIfPlanner {
  readonly validation: Validation
  /**
   * Cost of a statement with hypothetical indexes in addition to the existing ones.
   *
   * @throws The database's error, if it cannot plan the statement.
   */
  answer(statement: PlannedStatement, indexes: readonly SupposedIndex[]): Promise<PlannerAnswer>
  close(): Promise<void>
}
