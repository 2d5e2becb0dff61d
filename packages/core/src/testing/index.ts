export { expectNoNPlusOne } from './expect-no-n-plus-one.ts'
export { expectQueries, QueryAssertionError, type QueryExpectation } from './expect-queries.ts'
export type { WatchOptions } from './watch-queries.ts'
