import type { Mutation } from './mutation.ts'

const TRANSACTION_READS = 'packages/core/src/pipeline/transaction-reads.ts'
const TRANSACTIONS = 'packages/core/src/adapter/connection-transactions.ts'
const SOLE_WRITER = 'packages/core/src/pipeline/sole-writer.ts'
const OWN_TRANSACTION = 'packages/core/src/pipeline/own-transaction.ts'
const WRITE_COUNTER = 'packages/core/src/schema/write-counter.ts'
const IN_TRANSACTIONS = {
  file: 'test/integration/knex-transaction-reads.test.ts',
  name: 'reads of Knex transactions',
}
const ALIASES = { file: 'packages/core/test/sql/stable-aliases.test.ts', name: 'random aliases' }
const PROOF = { file: 'packages/core/test/pipeline/sole-writer.test.ts', name: 'SoleWriter' }
const COUNTER = { file: 'packages/core/test/schema/write-counter.test.ts', name: 'counter' }

/** The rules of reads in transactions, of random aliases, and of the proof that no other process writes. */
export const PROOF_MUTATIONS: readonly Mutation[] = [
  {
    name: 'transaction-written',
    rule: 'A transaction that has sent anything but plain reads is not served from the cache.',
    edits: [{ file: TRANSACTION_READS, find: 'this.#isClean = false', replace: 'this.#isClean = true' }],
    test: IN_TRANSACTIONS,
  },
  {
    name: 'transaction-failed',
    rule: 'A transaction in which a statement failed is not served from the cache.',
    edits: [
      {
        file: TRANSACTIONS,
        find: 'open?.reads?.spoil()\n    open?.own?.partlyRolledBack()',
        replace: 'open?.own?.partlyRolledBack()',
      },
    ],
    test: IN_TRANSACTIONS,
  },
  {
    name: 'transaction-order',
    rule: 'A transaction answers its reads in the order of their calls.',
    edits: [{ file: TRANSACTION_READS, find: 'this.#pending += 1', replace: 'this.#pending += 0' }],
    test: IN_TRANSACTIONS,
  },
  {
    name: 'transaction-ticks',
    rule: 'A read from the cache is answered after all code that waited for earlier ones.',
    edits: [
      {
        file: TRANSACTION_READS,
        find: 'if (this.#served.length === 1) this.#passLater()',
        replace: 'this.#served.shift()?.()',
      },
    ],
    test: IN_TRANSACTIONS,
  },
  {
    name: 'transaction-isolation',
    rule: 'Only transactions in which each statement has a separate snapshot are served from the cache.',
    edits: [
      {
        file: TRANSACTIONS,
        find: " || control.isolation === 'other')",
        replace: ')',
      },
    ],
    test: IN_TRANSACTIONS,
  },
  {
    name: 'proof-in-flight',
    rule: 'A reading during a transaction of this process is no base of a proof.',
    edits: [
      {
        file: SOLE_WRITER,
        find: 'if (isBusy || !reading.isSettled) return',
        replace: 'if (!reading.isSettled) return',
      },
    ],
    test: PROOF,
  },
  {
    name: 'proof-in-progress',
    rule: 'A reading while an older transaction is in progress is no base of a proof.',
    edits: [
      { file: SOLE_WRITER, find: 'if (isBusy || !reading.isSettled) return', replace: 'if (isBusy) return' },
    ],
    test: PROOF,
  },
  {
    name: 'proof-query-time',
    rule: 'A result is covered only if its query was sent after the base.',
    edits: [
      {
        file: SOLE_WRITER,
        find: 'return queriedAt >= this.#quietSince && now < until',
        replace: 'return this.#quietSince < Number.POSITIVE_INFINITY && now < until',
      },
    ],
    test: PROOF,
  },
  {
    name: 'proof-poll-time',
    rule: 'A proof ends when its poll was sent, not when it was answered.',
    edits: [
      { file: SOLE_WRITER, find: 'this.#quietUntil = sentAt', replace: 'this.#quietUntil = answeredAt' },
    ],
    test: PROOF,
  },
  {
    name: 'proof-unchanged-rows',
    rule: 'A transaction that may have changed nothing counts as 0.',
    edits: [{ file: OWN_TRANSACTION, find: '!this.#hasChanged || ', replace: '' }],
    test: { file: 'packages/core/test/pipeline/own-transaction.test.ts', name: 'OwnTransaction' },
  },
  {
    name: 'proof-sqlite-snapshot',
    rule: 'A reading in a transaction of SQLite proves nothing.',
    edits: [
      {
        file: SOLE_WRITER,
        find: "if (isBusy && this.terms.dialect === 'sqlite')",
        replace: "if (isBusy && this.terms.dialect === 'postgresql')",
      },
    ],
    test: PROOF,
  },
  {
    name: 'proof-sqlite-connection',
    rule: 'Readings of different connections of SQLite are not compared.',
    edits: [{ file: WRITE_COUNTER, find: 'server: String(number)', replace: "server: ''" }],
    test: COUNTER,
  },
  {
    name: 'proof-sqlite-attached',
    rule: 'There is no proof while a database of SQLite is attached.',
    edits: [
      { file: WRITE_COUNTER, find: "optionalTextOf(row, 'attached') !== '0'", replace: 'counter === null' },
    ],
    test: COUNTER,
  },
  {
    name: 'aliases-tables',
    rule: 'A random name of a table is not an alias.',
    edits: [
      {
        file: 'packages/core/src/sql/stable-aliases.ts',
        find: 'if (reads.some((parts) => parts.some((part) => names.has(part)))) return false',
        replace: 'void reads',
      },
    ],
    test: ALIASES,
  },
  {
    name: 'aliases-outputs',
    rule: 'A random name that stands outside of FROM is not only an alias.',
    edits: [
      {
        file: 'packages/core/src/sql/stable-aliases.ts',
        find: 'others === declarations && ',
        replace: '',
      },
    ],
    test: ALIASES,
  },
]
