export {
  expectNoNPlusOne,
  expectQueries,
  QueryAssertionError,
  type QueryExpectation,
} from './expect-queries.ts'
export type { WatchOptions } from './watch-queries.ts'
