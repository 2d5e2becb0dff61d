import type { Mutation } from './mutation.ts'

const BATCHER = 'packages/core/src/query/batch/batcher.ts'
const SPLIT_ROWS = 'packages/core/src/adapter/split-rows.ts'
const KEY_TEXT = 'packages/core/src/pipeline/key-text.ts'
const PRISMA_LOOKUP = 'packages/prisma/src/prisma-lookup.ts'
const KNEX_LOOKUPS = 'packages/knex/src/knex-lookups.ts'
const KEY_VALUES = 'packages/core/src/adapter/key-values.ts'
const KNEX_LOOKUP = 'packages/knex/src/lookups/knex-lookup.ts'
const RELATION_KEY = 'packages/prisma/src/lookups/relation-key.ts'
const MERGE_LISTED = 'packages/prisma/src/lookups/merge-listed.ts'
const KNEX_BUILDER = 'packages/knex/src/internals/builder.ts'
const RELATIONS = { file: 'test/integration/prisma-merged-relations.test.ts', name: 'batching by relations' }
const LISTENERS = { file: 'test/integration/knex-listeners.test.ts', name: 'listeners of Knex builders' }

/** The rules of batching. */
export const BATCH_MUTATIONS: readonly Mutation[] = [
  {
    name: 'batch-row-order',
    rule: 'The order inside each key’s rows is the query’s.',
    edits: [{ file: SPLIT_ROWS, find: 'group.push(row)', replace: 'group.unshift(row)' }],
    isQuick: true,
  },
  {
    name: 'batch-duplicate-copies',
    rule: 'Callers that request the same key get separate values.',
    edits: [
      {
        file: BATCHER,
        find: "'error' in found ? undefined : other.lookup.copy(found.value)",
        replace: "'error' in found ? undefined : { value: found.value }",
      },
    ],
    isQuick: true,
  },
  {
    name: 'batch-chunks',
    rule: 'A query carries no more keys than it may.',
    edits: [
      { file: BATCHER, find: 'maxBatchSize: open.first.lookup.maxKeys,', replace: 'maxBatchSize: 30_000,' },
    ],
    isQuick: true,
  },
  {
    name: 'batch-number-texts',
    rule: 'Strings are batched by a column of numbers only if they are in the canonical form of the database.',
    edits: [
      {
        file: SPLIT_ROWS,
        find: 'isText && keys.every((key) => isCanonicalInteger(String(key.values[at])))',
        replace: 'isText',
      },
      {
        file: KEY_VALUES,
        find: 'isCanonicalInteger(value) && isExact(Number(value), dialect)',
        replace: "type === 'integer'",
      },
    ],
  },
  {
    name: 'batch-big-integers',
    rule: 'Large integers are keys to the last digit.',
    edits: [
      {
        file: KEY_TEXT,
        find: "if (typeof value === 'bigint') return",
        replace:
          "if (typeof value === 'bigint') value = Number(value)\n  if (typeof value === 'number') return",
      },
    ],
  },
  {
    name: 'batch-strange-rows',
    rule: 'If a row belongs to no requested key, all keys are queried individually.',
    edits: [
      {
        file: SPLIT_ROWS,
        find: 'if (group === undefined) return undefined',
        replace: 'if (group === undefined) continue',
      },
    ],
    // The oracle finds none: which types of keys share a query is checked before.
    test: {
      file: 'packages/core/test/adapter/split-rows.test.ts',
      name: 'returns undefined when a row matches no key',
    },
  },
  {
    name: 'batch-collations',
    rule: 'Strings that a collation considers equal never share a query.',
    edits: [
      {
        file: BATCHER,
        find: 'if (!waiters.some(({ lookup }) => hasText(lookup.key))) return waiters',
        replace: 'if (waiters.length > 0) return waiters',
      },
    ],
    dialect: 'mysql',
  },
  {
    name: 'batch-failed',
    rule: 'If a batch fails, each of its keys is queried individually.',
    edits: [
      {
        file: BATCHER,
        find: '} catch {\n      // The caller with the invalid key gets the error from its own query.',
        replace: '} catch (error) {\n      if (error !== undefined) throw error',
      },
    ],
    dialect: 'postgresql',
  },
  {
    name: 'batch-left-out',
    rule: 'Keys that a batch omits are queried individually.',
    edits: [
      {
        file: BATCHER,
        find: ': await settle(next(leader.operation, leader.context))',
        replace: ': { value: null }',
      },
    ],
    isQuick: true,
  },
  {
    name: 'batch-shared-failure',
    rule: 'A failure is its own caller’s alone.',
    edits: [
      {
        file: BATCHER,
        find: "const copy = 'error' in found ? undefined :",
        replace: "const copy = 'error' in found ? { value: null } :",
      },
    ],
  },
  {
    name: 'batch-prisma-transaction',
    rule: 'Prisma’s lookups in a transaction are never batched with those outside it.',
    edits: [{ file: PRISMA_LOOKUP, find: "transaction?.id ?? ''", replace: "''" }],
    dialect: 'mysql',
  },
  {
    name: 'batch-knex-transaction',
    rule: 'Knex’s lookups in a transaction are never batched with those outside it.',
    edits: [
      {
        file: KNEX_LOOKUPS,
        find: "if (client.transacting === true) return refuse('IN_TRANSACTION')",
        replace: '',
      },
    ],
    dialect: 'mysql',
  },
  {
    name: 'batch-knex-constants',
    rule: 'Knex’s lookups are batched only if every constant is equal.',
    edits: [
      {
        file: KNEX_LOOKUPS,
        find: 'const constants = constantsOf(parts, plan, source.dialect)',
        replace: 'const constants = NO_CONSTANTS',
      },
    ],
  },
  {
    name: 'batch-prisma-constants',
    rule: 'Prisma’s lookups are batched only if every constant is equal.',
    edits: [
      {
        file: PRISMA_LOOKUP,
        find: "hasAny(filters) || hasAny(rest) ? canonicalKey([filters, rest], { dropUndefined: false }) : ''",
        replace: "''",
      },
    ],
  },
  {
    name: 'batch-tied-rows',
    rule: 'A key whose requested rows are tied in the order is queried individually.',
    edits: [
      {
        file: 'packages/core/src/adapter/settled-slice.ts',
        find: '!areTied(before, row)',
        replace: 'areTied !== undefined',
      },
    ],
    test: { file: 'test/integration/tied-rows.test.ts', name: 'batches' },
  },
  {
    name: 'batch-prisma-columns',
    rule: 'A batched Prisma call returns no more fields than requested.',
    edits: [
      {
        file: 'packages/prisma/src/lookups/merged-call.ts',
        find: 'for (const field of added) delete row[field]',
        replace: 'for (const _ of added) void row',
      },
    ],
    isQuick: true,
  },
  {
    name: 'batch-knex-columns',
    rule: 'A batched Knex call returns no more columns than requested.',
    edits: [
      {
        file: KNEX_LOOKUP,
        find: 'dropProperties(rows, plan.extra)',
        replace: 'void plan.extra',
      },
    ],
  },
  {
    name: 'batch-relation-names',
    rule: 'A filter on a relation is a key only if it contains nothing else, at any depth.',
    edits: [
      {
        file: RELATION_KEY,
        find: 'if (onlyName(filter) !== name) return undefined',
        replace: 'if (!isPlainObject(filter)) return undefined',
      },
    ],
    test: RELATIONS,
  },
  {
    name: 'batch-relation-foreign-key',
    rule: 'A filter on a relation is not replaced by its foreign key: the related row must exist.',
    edits: [
      {
        file: 'packages/prisma/src/lookups/key-filter.ts',
        find: 'relation === undefined\n',
        replace: 'relation?.listed === undefined\n',
      },
    ],
    test: RELATIONS,
  },
  {
    name: 'batch-listed-rows',
    rule: 'Each caller gets separate rows of a list.',
    edits: [
      {
        file: MERGE_LISTED,
        find: 'const own = at === 0 ? { value: row } : exactCopy(row)',
        replace: 'const own = at === -1 ? exactCopy(row) : { value: row }',
      },
    ],
    test: RELATIONS,
  },
  {
    name: 'batch-listed-keys',
    rule: 'A row of a list belongs to each key that it is related to.',
    edits: [
      {
        file: MERGE_LISTED,
        find: 'of found.entries()) {',
        replace: 'of found.slice(0, 1).entries()) {',
      },
    ],
    isFixed: true,
    isQuick: true,
  },
  {
    name: 'batch-listener-bindings',
    rule: 'A listener of a Knex builder cannot change the result of a read that was answered without it.',
    edits: [
      {
        file: KNEX_BUILDER,
        find: 'const shown: unknown[] = [...bindings]',
        replace: 'const shown: unknown[] = bindings',
      },
    ],
    test: LISTENERS,
  },
  {
    name: 'batch-listener-rows',
    rule: 'A Knex builder whose listeners receive its rows is not optimized.',
    edits: [
      {
        file: KNEX_BUILDER,
        find: "every((name) => name === 'query')",
        replace: "every((name) => name.startsWith('query'))",
      },
    ],
    test: LISTENERS,
  },
]
