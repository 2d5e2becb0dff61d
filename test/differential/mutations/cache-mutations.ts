import type { Mutation } from './mutation.ts'

const RESULT_CACHE = 'packages/core/src/cache/result-cache.ts'
const COHERENT = 'packages/core/src/cache/coherent-cache.ts'
const FLIGHT = 'packages/core/src/cache/flight.ts'
const VALUES = 'packages/core/src/cache/cached-values.ts'
const TAGS = 'packages/core/src/cache/coherence/tag-table.ts'
const WRITE_SET = 'packages/core/src/cache/coherence/local-writes.ts'
const PRISMA_OPERATION = 'packages/prisma/src/prisma-operation.ts'
const KNEX_OPERATION = 'packages/knex/src/knex-operation.ts'
const TRANSACTIONS = 'packages/core/src/adapter/connection-transactions.ts'
const CATALOG = 'packages/core/src/schema/catalog.ts'

/** The rules of the cache, and of predicting which rows a write modifies. */
export const CACHE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'cache-tags-at-hit',
    rule: 'A result is answered only while no write to its tags has begun or ended.',
    edits: [{ file: VALUES, find: 'if (!cached.isCurrent(table.changes)) return false', replace: '' }],
    isQuick: true,
  },
  {
    name: 'cache-tags-at-fill',
    rule: 'A result is kept under the state of its tags from before it was asked for, and only if that still holds.',
    edits: [
      { file: VALUES, find: ' || (shared === undefined && !snapshot.isCurrent)) {', replace: ') {' },
      {
        file: VALUES,
        find: 'const snapshot = state?.snapshot ?? snapshotOf(request, needed, before)',
        replace: 'const snapshot = snapshotOf(request, needed, this.before(request) ?? before)',
      },
    ],
    dialect: 'mysql',
  },
  {
    name: 'cache-joined-flights',
    rule: 'A read joins another under way only if nothing was written since that began.',
    edits: [
      {
        file: COHERENT,
        find: 'if (flight?.before.required.isCurrent === true && hasOwnTags(flight.ownTags, request))',
        replace: 'if (flight !== undefined)',
      },
      {
        file: FLIGHT,
        find: 'if (snapshot?.isCurrent !== true) return false',
        replace: '',
      },
      {
        file: COHERENT,
        find: 'if (before === undefined) return this.#blocked(request)',
        replace:
          'if (before === undefined && !this.#flights.has(flightId(request))) return this.#blocked(request)',
      },
    ],
    dialect: 'mysql',
  },
  {
    name: 'cache-copies-at-hit',
    rule: 'Changes to a result by a caller do not affect the cached result.',
    edits: [
      {
        file: COHERENT,
        find: '    const copy = this.#values.copyOf(copier, cached)\n',
        replace: '    const copy = { value: cached.value as T }\n',
      },
    ],
    isQuick: true,
  },
  {
    name: 'cache-copies-at-fill',
    rule: 'The cached result is not the object of the first caller.',
    edits: [
      { file: VALUES, find: 'const copy = request.copier.copy(value)', replace: 'const copy = { value }' },
    ],
  },
  {
    name: 'cache-in-transaction',
    rule: 'Reads in a transaction are served from the cache and cached only as long as it has only read.',
    edits: [
      {
        file: RESULT_CACHE,
        find: 'return inTransaction && (this.options.isShared || transactionReads?.isClean !== true)',
        replace: 'return false && inTransaction && transactionReads',
      },
      {
        file: PRISMA_OPERATION,
        find: "if (this.inTransaction && this.transactionReads === undefined) return refuse('IN_TRANSACTION')",
        replace: '',
      },
      {
        file: KNEX_OPERATION,
        find: "if (this.inTransaction && this.transactionReads === undefined) return refuse('IN_TRANSACTION')",
        replace: '',
      },
    ],
  },
  {
    name: 'cache-key-method',
    rule: 'Knex’s key names the method: `first` and a listing are not one result.',
    edits: [
      {
        file: KNEX_OPERATION,
        find: '{builder._method} ',
        replace: "{''} ",
      },
    ],
  },
  {
    name: 'cache-key-bindings',
    rule: 'Knex’s key has every binding.',
    edits: [
      {
        file: KNEX_OPERATION,
        find: 'bindings}`',
        replace: "''}`",
      },
    ],
  },
  {
    name: 'cache-key-path',
    rule: 'Prisma’s key has the path of a fluent call.',
    edits: [{ file: PRISMA_OPERATION, find: 'dataPathOf(call.params)} ', replace: "''} " }],
  },
  {
    name: 'cache-key-arguments',
    rule: 'Prisma’s key has every argument.',
    edits: [
      {
        file: PRISMA_OPERATION,
        find: 'const args = canonicalKey(call.args ?? {}, ',
        replace: 'const args = canonicalKey((call.args as { where?: unknown } | undefined)?.where ?? {}, ',
      },
    ],
  },
  {
    name: 'writes-under-way',
    rule: 'No result is served from a table with a write in flight.',
    edits: [{ file: TAGS, find: 'return node.open > 0 || ', replace: 'return ' }],
    dialect: 'mysql',
  },
  {
    name: 'writes-of-prisma',
    rule: 'Prisma’s writes are announced.',
    edits: [
      {
        file: 'packages/core/src/pipeline/track-writes.ts',
        find: 'const intent = tracker.begin(effect)',
        replace: 'const intent = tracker.begin({ tables: new Set(), everything: false })',
      },
    ],
  },
  {
    name: 'writes-of-knex',
    rule: 'Statements that write are announced on their connection.',
    edits: [
      {
        file: TRANSACTIONS,
        find: 'const announced = writes.announce(effect)',
        replace: 'const announced = writes.announce({ tables: new Set(), everything: false })',
      },
    ],
  },
  {
    name: 'writes-in-transactions',
    rule: 'The writes of a transaction take effect at its commit.',
    edits: [
      {
        file: WRITE_SET,
        find: 'if (!all.isEmpty) this.#announced = this.announce(all)',
        replace: 'void all',
      },
    ],
  },
  {
    name: 'writes-in-savepoints',
    rule: 'The writes of a released savepoint belong to its transaction.',
    edits: [
      { file: WRITE_SET, find: 'if (at > 0) this.#join(at)', replace: 'if (at > 0) this.#frames.splice(at)' },
    ],
  },
  {
    name: 'writes-cascade',
    rule: 'A write touches what foreign keys carry it to.',
    edits: [
      {
        file: CATALOG,
        find: 'for (const key of this.#incoming.get(change.table) ?? []) {',
        replace: 'for (const key of [] as ForeignKeyInfo[]) {',
      },
    ],
  },
  {
    name: 'writes-nested',
    rule: 'A Prisma write touches what its nested writes touch.',
    edits: [
      {
        file: 'packages/prisma/src/touches/write-walk.ts',
        find: 'if (relation !== undefined && isFields(steps)) this.#nested(relation, steps, isNew, rows)',
        replace: 'void [relation, steps, isNew, rows]',
      },
    ],
  },
]
