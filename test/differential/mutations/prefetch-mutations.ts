import type { Mutation } from './mutation.ts'

const PREFETCHER = 'packages/core/src/query/prefetch/prefetcher.ts'
const TRAIL = 'packages/core/src/query/prefetch/trail.ts'
const TRAILS = 'packages/core/src/query/prefetch/trails.ts'
const FIND_SOURCE = 'packages/core/src/query/prefetch/find-source.ts'
const OUTGOING_REQUESTS = 'packages/core/src/query/prefetch/outgoing-requests.ts'

/** The rules of prefetching. */
export const PREFETCH_MUTATIONS: readonly Mutation[] = [
  {
    name: 'prefetch-credit',
    rule: 'A key is answered at most as often as rows that bear it were handed out.',
    edits: [
      { file: TRAIL, find: 'return taken < this.index.credit(ordinal)', replace: 'return taken >= 0' },
      {
        file: TRAIL,
        find: 'return this.set.isGrowing || taken + 1 < this.index.multiplicity(ordinal)',
        replace: 'return ordinal >= 0',
      },
    ],
  },
  {
    name: 'prefetch-stamps-at-answer',
    rule: 'A prefetched result is used only while the state of its tables is the one from before its query.',
    edits: [
      {
        file: TRAILS,
        find: ' && writes.stateOf(trail.tables) === answer.fetch.state)\n',
        replace: ')\n',
      },
    ],
  },
  {
    name: 'prefetch-stamps-at-fetch',
    rule: 'A stored result has the state from before its query.',
    edits: [
      {
        file: PREFETCHER,
        find: 'const isCurrent = memory.generation === generation && writes.stateOf(trail.tables) === fetch.state',
        replace:
          'Object.assign(fetch, { state: writes.stateOf(trail.tables) })\n      const isCurrent = memory.generation === generation',
      },
    ],
    dialect: 'mysql',
  },
  {
    name: 'prefetch-own-writes',
    rule: 'A scope forgets what it was going to be answered from at each of its own writes; the state of the tables guards the same.',
    edits: [
      { file: PREFETCHER, find: 'if (memory?.discard() === true)', replace: 'if (memory === null)' },
      {
        file: TRAILS,
        find: ' && writes.stateOf(trail.tables) === answer.fetch.state)\n',
        replace: ')\n',
      },
    ],
  },
  {
    name: 'prefetch-outgoing-requests',
    rule: 'A scope forgets when the process sends an HTTP request from within it.',
    edits: [
      {
        file: OUTGOING_REQUESTS,
        find: 'const listener = () => callback()',
        replace: 'const listener = () => void callback',
      },
    ],
  },
  {
    name: 'prefetch-age',
    rule: 'No result that is older than `maxAgeMs` is used.',
    edits: [
      {
        file: TRAILS,
        find: 'if (clock.now() - answer.fetch.at <= maxAgeMs && writes.stateOf',
        replace: 'if (clock.now() > maxAgeMs - maxAgeMs && writes.stateOf',
      },
    ],
  },
  {
    name: 'prefetch-copies',
    rule: 'If a key may be requested again, each caller gets a copy.',
    edits: [
      {
        file: PREFETCHER,
        find: 'return this.#handOut(lookup, trail, answer.value as T, mayRecur)',
        replace: 'return answer.value as T',
      },
    ],
  },
  {
    name: 'prefetch-first-copies',
    rule: 'The stored result is not the object of the first caller.',
    edits: [
      {
        file: PREFETCHER,
        find: 'return isCurrent ? this.#handOut(lookup, trail, value, mayRecur) : value',
        replace: 'return value',
      },
    ],
    isQuick: true,
  },
  {
    name: 'prefetch-single-copies',
    rule: 'The result of a single query that may be requested again is stored as a copy.',
    edits: [
      {
        file: PREFETCHER,
        find: '{ ...copy, fetch, ...(context.rows ?? NOWHERE), isUsed: true }',
        replace: '{ value, fetch, ...(context.rows ?? NOWHERE), isUsed: true }',
      },
    ],
    isQuick: true,
  },
  {
    name: 'prefetch-doubt',
    rule: 'Keys without a certain result in the query for several keys are queried individually.',
    edits: [
      {
        file: PREFETCHER,
        find: 'if (found?.has(lookup.key.text) !== true) return',
        replace: 'if (found === undefined) return',
      },
      { file: PREFETCHER, find: 'if (!found.has(key.text)) continue', replace: '' },
    ],
  },
  {
    name: 'prefetch-transactions',
    rule: 'Nothing is prefetched in a transaction, nor recorded.',
    edits: [
      {
        file: PREFETCHER,
        find: 'scope.hasRows && !operation.inTransaction && !context.isFresh ?',
        replace: 'scope.hasRows ?',
      },
      {
        file: PREFETCHER,
        find: 'scope.ended || operation.inTransaction || operation.rowSource',
        replace: 'scope.ended || operation.rowSource',
      },
    ],
    dialect: 'mysql',
  },
  {
    name: 'prefetch-collations',
    rule: 'Strings that a collation considers equal never share a query.',
    edits: [
      {
        file: TRAIL,
        find: 'keyKinds(next) === kinds && folds.add(next)',
        replace: 'keyKinds(next) === kinds',
      },
    ],
    dialect: 'mysql',
  },
  {
    name: 'prefetch-own-rows',
    rule: 'A caller that has a whole row and requests it by its own key gets a new one.',
    edits: [{ file: FIND_SOURCE, find: 'if (isOwnKey && readsTheSame(set)) continue', replace: '' }],
  },
]
