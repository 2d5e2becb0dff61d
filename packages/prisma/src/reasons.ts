import { defineReasons, type ReasonCode, type Refusal, refuse as refuseFor } from '@sluice/core/adapter'

/** The reasons that only this adapter has. */
const PRISMA_REASONS = {
  BATCH_TRANSACTION: 'In $transaction([…])',
  CONDITION_ON_FLOAT: 'A groupBy has a condition on a Float',
  CONDITION_ON_UNGROUPED_KEY: 'A groupBy has a condition on a key that it does not group by',
  EMPTY_SELECTION: 'It selects no field',
  EXTENSION_ADDED_AFTER_SLUICE: 'An extension was added after withSluice',
  FLUENT_CALL: 'It uses the fluent API',
  GROUPED_BY_STRING: 'A groupBy by strings that can be equal in different spellings',
  NONDETERMINISTIC_PAGE: 'The order of the page is nondeterministic',
  NO_KEY: 'It has no where',
  NO_KEY_FIELD: 'It compares no field by value',
  NO_SCHEMA: 'Neither the schema nor the catalog is known',
  LISTED_RELATION: 'A filter on a list of a relation, in a call that cannot be batched by it',
  ORDER_DEPENDENT_AGGREGATE: 'The aggregate depends on the order of rows',
  PAGE_BY_RELATION: 'A page by a filter on a relation',
  PAGE_IN_TRANSACTION: 'A page in a transaction',
  PAGE_OF_UNKNOWN_TABLE: 'A page of a table that is not in the catalog',
  PAGE_TOO_LARGE: 'A page with a take above 30',
  PAGE_WITH_COMPLEX_ORDER: 'A page whose order is more than asc and desc of fields',
  PAGE_WITH_FILTERS: 'A page with filters that are not plain equality',
  PAGE_WITH_UNSUPPORTED_KEY_TYPE: 'A page whose key or id is not Int, BigInt or String',
  RAW_QUERY: 'Raw SQL',
  TOO_FEW_KEYS_PER_QUERY: 'Fewer than two keys fit in a query',
  UNKNOWN_COMPUTED_FIELDS: 'An extension with computed fields was added after withSluice',
  UNKNOWN_PRISMA_INTERNALS: 'This version of Prisma differs from the expected one',
  UNSUPPORTED_ARGUMENT: 'It has an argument that batches do not support',
  UNSUPPORTED_ARGUMENTS: 'Its arguments cannot be compared',
} as const

defineReasons(PRISMA_REASONS)

export type PrismaReason =
  | ReasonCode
  | keyof typeof PRISMA_REASONS
  | `UNSUPPORTED_ARGUMENT:${string}`
  | `ORDER_DEPENDENT_AGGREGATE:${string}`

export const refuse: (code: PrismaReason) => Refusal = refuseFor
