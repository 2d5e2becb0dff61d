export { expectNoNPlusOne } from './expect-no-n-plus-one.ts'
export { expectQueries, type QueryExpectation } from './expect-queries.ts'
export { QueryAssertionError } from './query-assertion-error.ts'
export type { WatchOptions } from './watch-queries.ts'
