import type { Mutation } from './mutation.ts'

const RESULT_CACHE = 'packages/core/src/cache/result-cache.ts'
const STAMPS = 'packages/core/src/cache/coherence/stamp-registry.ts'
const PRISMA_OPERATION = 'packages/prisma/src/prisma-operation.ts'
const KNEX_OPERATION = 'packages/knex/src/knex-operation.ts'
const OBSERVER = 'packages/knex/src/statement-observer.ts'
const CATALOG = 'packages/core/src/schema/catalog.ts'

/** The rules of the cache, and of knowing what a write touches. */
export const CACHE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'cache-stamps-at-hit',
    rule: 'A result is answered only while the stamps of all its tables are the live ones.',
    edits: [{ file: RESULT_CACHE, find: 'if (entry !== null && sameStamps(entry.stamps, stamps)) {', replace: 'if (entry !== null) {' }],
    isQuick: true,
  },
  {
    name: 'cache-stamps-at-fill',
    rule: 'A result is kept under the stamps from before it was asked for, and only if they still hold.',
    edits: [
      { file: RESULT_CACHE, find: 'if (this.#unchanged(request.tables, stamps)) {', replace: 'if (stamps.length >= 0) {' },
      {
        file: RESULT_CACHE,
        find: '{ value: copy.value, stamps }, ttl)',
        replace: '{ value: copy.value, stamps: this.stamps.stampsOf(request.tables) ?? stamps }, ttl)',
      },
    ],
    dialect: 'mysql',
  },
  {
    name: 'cache-joined-flights',
    rule: 'A read joins another under way only if nothing was written since that began.',
    edits: [
      {
        file: RESULT_CACHE,
        find: 'if (flight !== undefined && sameStamps(flight.stamps, stamps)) {',
        replace: 'if (flight !== undefined) {',
      },
      {
        file: RESULT_CACHE,
        find: 'return this.#unchanged(request.tables, flight.stamps) ? request.copy(value) : undefined',
        replace: 'return request.copy(value)',
      },
      {
        file: RESULT_CACHE,
        find: 'if (stamps === undefined) return ask()',
        replace: 'if (stamps === undefined && !this.#flights.has(key)) return ask()',
      },
    ],
    dialect: 'mysql',
  },
  {
    name: 'cache-copies-at-hit',
    rule: 'What a caller does to an answer changes nothing that is kept.',
    edits: [
      { file: RESULT_CACHE, find: 'const copy = request.copy(entry.value as T)', replace: 'const copy = { value: entry.value as T }' },
    ],
    isQuick: true,
  },
  {
    name: 'cache-copies-at-fill',
    rule: 'What is kept is not what the first caller holds.',
    edits: [{ file: RESULT_CACHE, find: 'ttl > 0 ? request.copy(value) : undefined', replace: 'ttl > 0 ? { value } : undefined' }],
    isQuick: true,
  },
  {
    name: 'cache-in-transaction',
    rule: 'Reads in a transaction are neither answered from the cache nor kept.',
    edits: [
      {
        file: RESULT_CACHE,
        find: ": operation.inTransaction\n        ? 'in transaction'",
        replace: ": operation.source === undefined\n        ? 'in transaction'",
      },
      { file: PRISMA_OPERATION, find: "if (this.inTransaction) return refuse('in transaction')", replace: '' },
      { file: KNEX_OPERATION, find: "if (this.inTransaction) return refuse('in transaction')", replace: '' },
    ],
  },
  {
    name: 'cache-key-method',
    rule: 'Knex’ key names the method: `first` and a listing are not one result.',
    edits: [{ file: KNEX_OPERATION, find: 'canonicalKey([builder._method, query.bindings])', replace: 'canonicalKey([query.bindings])' }],
  },
  {
    name: 'cache-key-bindings',
    rule: 'Knex’ key has every binding.',
    edits: [{ file: KNEX_OPERATION, find: 'canonicalKey([builder._method, query.bindings])', replace: 'canonicalKey([builder._method])' }],
  },
  {
    name: 'cache-key-path',
    rule: 'Prisma’s key has the path of a fluent call.',
    edits: [{ file: PRISMA_OPERATION, find: 'dataPathOf(call.params)', replace: "''" }],
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
    rule: 'Nothing is answered from a table to which a write is under way.',
    edits: [
      {
        file: STAMPS,
        find: 'if (this.#open.has(table) || this.#leasedTable(table)) return undefined',
        replace: 'if (this.#leasedTable(table)) return undefined',
      },
    ],
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
    rule: 'Knex’ writes are announced.',
    edits: [
      {
        file: OBSERVER,
        find: 'const intent = this.host.writes.begin(effect)',
        replace: 'const intent = this.host.writes.begin({ tables: new Set(), everything: false })',
      },
    ],
    isQuick: true,
  },
  {
    name: 'writes-in-transactions',
    rule: 'What a transaction wrote counts as written at its commit.',
    edits: [
      {
        file: STAMPS,
        find: 'if (!all.isEmpty) this.#intent = this.registry.begin(all)',
        replace: 'void all',
      },
    ],
  },
  {
    name: 'writes-in-savepoints',
    rule: 'What a released savepoint wrote belongs to its transaction.',
    edits: [{ file: STAMPS, find: 'if (at > 0) this.#join(at)', replace: 'if (at > 0) this.#frames.splice(at)' }],
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
        find: 'if (relation !== undefined && isFields(steps)) this.#nested(relation, steps, isNew)',
        replace: 'void [relation, steps, isNew]',
      },
    ],
  },
]
