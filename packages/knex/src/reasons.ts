import { defineReasons, type ReasonCode, type Refusal, refuse as refuseFor } from '@sluice/core/adapter'

/** The reasons that only this adapter has. */
const KNEX_REASONS = {
  BUILDER_WITH_OPTIONS:
    'The builder has comments, options, a timeout, a connection, or listeners other than for query',
  COMPILE_ERROR: 'Knex cannot compile the builder',
  MIGRATION_TABLE: 'It reads the tables of migrations',
  NO_PLAIN_TABLE: 'It does not select from one table by its name',
  SEVERAL_STATEMENTS: 'The builder compiles to several statements',
  START_LISTENER: 'The instance has a start listener',
  TOO_MANY_VALUES: 'Its other values allow fewer than two keys per query',
  UNSUPPORTED_CLAUSE: 'It has a clause that batches do not support',
  UNSUPPORTED_COLUMNS: 'It has columns that batches do not support',
  UNSUPPORTED_COLUMN_TYPE: 'The type or collation of the column does not identify rows reliably',
  UNSUPPORTED_GROUPING: 'It has a grouping that batches do not support',
  UNSUPPORTED_ORDER: 'It orders by something other than a column',
  UNSUPPORTED_QUERY_CONTEXT: 'Its query context cannot be compared',
} as const

defineReasons(KNEX_REASONS)

export type KnexReason = ReasonCode | keyof typeof KNEX_REASONS | `UNSUPPORTED_CLAUSE:${string}`

export const refuse: (code: KnexReason) => Refusal = refuseFor
