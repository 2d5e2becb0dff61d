import type { Mutation } from './mutation.ts'

const ORDER = 'packages/core/src/adapter/program-order.ts'
const RULES = 'test/differential/order/order-rules.test.ts'

/** Rules of the order of an app's calls. The programs of the oracle await most of them. */
export const ORDER_MUTATIONS: readonly Mutation[] = [
  {
    name: 'order-later-reads',
    rule: 'With one connection, a read after a write that has not ended is sent unchanged.',
    edits: [
      {
        file: ORDER,
        find: 'this.#statements > 0 || this.#queue.length > 0 ||',
        replace: 'this.#queue.length > 0 ||',
      },
    ],
    test: { file: RULES, name: 'serves no hit after an issued write' },
  },
  {
    name: 'order-earlier-reads',
    rule: 'With one connection, a write waits for the optimized reads before it.',
    edits: [
      {
        file: ORDER,
        find: 'const isFree = !this.isSingle || (this.#reads === 0 && this.#queue.length === 0)',
        replace: 'const isFree = true',
      },
      { file: ORDER, find: 'this.client.dispatch(this.isSingle)', replace: 'void this' },
    ],
    test: { file: RULES, name: 'sends waiting lookups before a write' },
  },
  {
    name: 'order-reservations',
    rule: 'A reservation of the only connection excludes all other calls.',
    edits: [
      {
        file: 'packages/kysely/src/sluice-driver.ts',
        find: 'const query = this.compiled.take()',
        replace: 'const query = this.compiled.take() ?? CompiledQuery.raw("select 1")',
      },
      {
        file: 'packages/kysely/src/connection-stand-in.ts',
        find: '(expected.query ?? query) === query',
        replace: 'true',
      },
    ],
    test: { file: RULES, name: 'exclude each other' },
  },
]
