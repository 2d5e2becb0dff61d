import type { BuilderOrm } from '../program.ts'
import type { Mutation } from './mutation.ts'

const SQL_READ = 'packages/core/src/adapter/sql-read.ts'
const PG = 'packages/core/src/adapter/drivers/pg.ts'
const KEYED_SELECT = 'packages/core/src/adapter/keyed-select.ts'
const NESTED_QUERIES = 'packages/core/src/adapter/select/nested-queries.ts'
const RANDOM_JOINS = {
  file: 'test/integration/random-joins.test.ts',
  name: 'return the same rows for many keys',
}
const JOINS = 'packages/core/test/adapter/keyed-select.joins.test.ts'
const KYSELY_DRIVER = 'packages/kysely/src/sluice-driver.ts'
const KYSELY_STAND_IN = 'packages/kysely/src/connection-stand-in.ts'

const kysely: readonly BuilderOrm[] = ['kysely']
const drizzle: readonly BuilderOrm[] = ['drizzle']

/** The rules of reads as SQL, and of the adapters of Kysely and Drizzle. */
export const BUILDER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'sql-cache-key-bindings',
    rule: 'The key of a read as SQL has every parameter.',
    edits: [{ file: SQL_READ, find: 'bindings}`', replace: "''}`" }],
    builders: kysely,
    isQuick: true,
  },
  {
    name: 'sql-cache-copies',
    rule: 'Changes to the rows of a read as SQL do not affect the cached rows.',
    edits: [
      {
        file: 'packages/core/src/cache/fetch-request.ts',
        find: 'clone: { copy: measuredCopy,',
        replace: 'clone: { copy: (value) => ({ value }),',
      },
    ],
    builders: kysely,
  },
  {
    name: 'sql-batch-constants',
    rule: 'Reads as SQL are batched only if every constant is equal.',
    edits: [
      {
        file: SQL_READ,
        find: 'const shared = canonicalKey(constants.map((at) => call.params[at]))',
        replace: "const shared: string | undefined = ''",
      },
    ],
    builders: kysely,
  },
  {
    name: 'sql-batch-keys',
    rule: 'A key that the database may compare after a conversion is queried individually.',
    edits: [{ file: SQL_READ, find: 'if (odd !== undefined) return refuse(odd)', replace: 'void odd' }],
    builders: kysely,
    isFixed: true,
  },
  {
    name: 'sql-batch-columns',
    rule: 'A batched read as SQL returns no more columns than requested.',
    edits: [
      {
        file: 'packages/core/src/adapter/select/listing.ts',
        find: 'this.#helpers.strip(rows)',
        replace: 'this.#helpers.strip([])',
      },
    ],
    builders: kysely,
  },
  {
    name: 'sql-join-limits',
    rule: 'A limit is omitted only if each row of the first table has at most one joined row.',
    edits: [
      {
        file: KEYED_SELECT,
        find: '(isOfBase && ground.isOneToOne && catalog.isUniqueKey',
        replace: '(isOfBase && catalog.isUniqueKey',
      },
    ],
    test: RANDOM_JOINS,
  },
  {
    name: 'sql-join-names',
    rule: 'The key is not read from a property that another output may have overwritten.',
    edits: [
      {
        file: 'packages/core/src/adapter/select/outputs.ts',
        find: ': outputs.some(({ name }) => name === undefined)',
        replace: ': false',
      },
    ],
    // Rows with a wrong key mostly belong to no requested key, so that each key is queried individually.
    test: { file: JOINS, name: 'reads its key from a helper column' },
  },
  {
    name: 'sql-outer-aggregates',
    rule: 'An aggregate in a subquery that belongs to the select groups its rows.',
    edits: [
      { file: NESTED_QUERIES, find: 'if (columns.length > 0 && !', replace: 'if (columns.length < 0 && !' },
    ],
    test: RANDOM_JOINS,
  },
  {
    name: 'sql-row-functions',
    rule: 'A function that returns several rows turns one row into several.',
    edits: [
      {
        file: KEYED_SELECT,
        find: "returnsRows(tokens) ? 'COMPUTED_COLUMNS' :",
        replace: 'tokens.length === 0 ? undefined :',
      },
    ],
    test: RANDOM_JOINS,
  },
  {
    name: 'sql-nested-limits',
    rule: 'The first rows of a nested query are the same in every statement.',
    edits: [
      {
        file: NESTED_QUERIES,
        find: 'if (clauses.limit !== undefined && !isOne',
        replace: 'if (clauses.limit === null && !isOne',
      },
    ],
    // No program shows it: the database evaluates the nested query in the same way for several keys.
    test: { file: JOINS, name: 'has the same first rows in a nested query' },
  },
  {
    name: 'kysely-transaction-reads',
    rule: 'A read of Kysely in a transaction is sent on the connection of the transaction.',
    edits: [
      {
        file: KYSELY_STAND_IN,
        find: 'if (isExpected && options?.signal',
        replace: 'if (options?.signal',
      },
      { file: KYSELY_STAND_IN, find: 'read(query, expected.after)', replace: 'read(query, undefined)' },
    ],
    builders: kysely,
    dialect: 'postgresql',
  },
  {
    name: 'kysely-writes',
    rule: 'Kysely’s writes are announced.',
    edits: [
      {
        file: KYSELY_DRIVER,
        find: 'return this.#client.statement(',
        replace:
          'if (stack === undefined) return connection.executeQuery(query, options)\n    return this.#client.statement(',
      },
    ],
    builders: kysely,
    isQuick: true,
  },
  {
    name: 'drizzle-transaction-reads',
    rule: 'A read of Drizzle in a transaction is sent unchanged once the transaction has written.',
    edits: [
      {
        file: PG,
        find: 'if (!isPooled) return this.#onClient(target, call, unchanged)',
        replace: '',
      },
    ],
    builders: drizzle,
    dialect: 'postgresql',
  },
  {
    name: 'drizzle-writes',
    rule: 'Drizzle’s writes are announced.',
    edits: [
      {
        file: PG,
        find: 'const unchanged = () => this.#statement(target, connection, call)',
        replace: 'const unchanged = () => target.query(call.config) as Promise<QueryResult>',
      },
    ],
    builders: drizzle,
    dialect: 'postgresql',
  },
  {
    name: 'drizzle-prepared-names',
    rule: 'The name of a prepared statement is only used with its own SQL.',
    edits: [
      {
        file: PG,
        find: '...(isOwn ? config : unnamed)',
        replace: '...config',
      },
    ],
    builders: drizzle,
    dialect: 'postgresql',
  },
]
