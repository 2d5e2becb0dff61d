/** A change of the app or its options that removes a reason. */
export interface ReasonAdvice {
  readonly advice: string
  /** Page of the documentation: `guides/caching#expiration`. */
  readonly page: string
}

const NOT_BATCHED = 'guides/n-plus-one#queries-that-sluice-does-not-batch'
const NEVER_CACHED = 'guides/caching#queries-that-are-never-cached'
const EXCLUDED = 'guides/modes#excluding-queries'
/** Its rows link to the guides of the ORMs. */
const REASONS = 'reference/statistics#pass-through-reasons'

const BY_KEY: ReasonAdvice = {
  advice: 'Compare a key by equality, or load the rows of all keys with one query.',
  page: NOT_BATCHED,
}
const ORDER: ReasonAdvice = { advice: 'Add a unique, required column to the order.', page: NOT_BATCHED }
const OWN_VALUE: ReasonAdvice = { advice: 'Cache a value of your app instead.', page: 'guides/own-values' }
const PARAMETER: ReasonAdvice = {
  advice: 'Pass the value as a parameter instead of calling a function.',
  page: NEVER_CACHED,
}
const PLAIN_BUILDER: ReasonAdvice = {
  advice: 'Remove the options, the timeout or the listeners from the builder.',
  page: REASONS,
}
const ORM_CALL: ReasonAdvice = {
  advice: 'Replace raw SQL by calls of the ORM.',
  page: NEVER_CACHED,
}
const OUTSIDE_TRANSACTION: ReasonAdvice = {
  advice: 'Read outside the transaction, if the read does not need its snapshot.',
  page: 'recipes/not-cached',
}
const EXTENSION: ReasonAdvice = { advice: 'Apply withSluice last.', page: REASONS }
const LATER: ReasonAdvice = {
  advice: 'None, if Sluice was reading the catalog: record for a longer time. Otherwise, see the page.',
  page: 'recipes/not-cached',
}
const WITH_OPTIONS: ReasonAdvice = {
  advice: 'Set cache options for the read.',
  page: 'guides/modes#reads-without-benefit',
}

const ADVICE: Readonly<Record<string, ReasonAdvice>> = {
  BATCHING_DISABLED: { advice: 'Remove the option batch: false.', page: EXCLUDED },
  BUILDER_WITH_OPTIONS: PLAIN_BUILDER,
  BYPASSED: { advice: 'Call the function without sluice.bypass.', page: EXCLUDED },
  CACHE_DISABLED: { advice: 'Remove the option cache: false.', page: EXCLUDED },
  COMPUTED_COLUMNS: BY_KEY,
  DISABLED: {
    advice: 'Remove disabled from the cache options of the read or its model.',
    page: 'guides/caching#for-some-tables',
  },
  EXCLUDED: { advice: 'Remove the table from exclude.', page: EXCLUDED },
  EXTENSION_ADDED_AFTER_SLUICE: EXTENSION,
  INVALIDATED: {
    advice: 'Read and write rows by their primary keys, so that other rows of the table stay cached.',
    page: 'guides/caching#invalidation-by-writes',
  },
  IN_TRANSACTION: OUTSIDE_TRANSACTION,
  NONDETERMINISTIC_FIRST_ROW: ORDER,
  NONDETERMINISTIC_PAGE: ORDER,
  NOT_BY_KEY: BY_KEY,
  NOT_ONE_BASE_TABLE: {
    advice: 'Read one table by its key, or join the others by a unique key.',
    page: NOT_BATCHED,
  },
  NO_BASE_TABLE: OWN_VALUE,
  NO_CATALOG: LATER,
  NO_KEY: BY_KEY,
  NO_KEY_FIELD: BY_KEY,
  NO_RECENT_GAIN: WITH_OPTIONS,
  NO_RECENT_HIT: WITH_OPTIONS,
  NO_SCHEMA: LATER,
  NO_SCOPE: {
    advice: 'Open a scope for each request: use the middleware, or sluice.run.',
    page: 'troubleshooting#queries-have-no-scope',
  },
  RAW_QUERY: ORM_CALL,
  SEQUENTIAL: {
    advice: 'Issue the reads together, with Promise.all.',
    page: 'guides/n-plus-one#fix-the-query',
  },
  START_LISTENER: PLAIN_BUILDER,
  SYNCHRONOUS_CLIENT: { advice: 'Use an asynchronous driver.', page: REASONS },
  TABLE_NOT_LISTED: { advice: 'Add the table to cache.tables.', page: 'guides/caching#for-some-tables' },
  TRANSACTION_FRAME: {
    advice: 'Do not open a transaction for reads alone, if they do not need one snapshot.',
    page: 'recipes/not-cached',
  },
  TTL_EXPIRED: {
    advice:
      'If only this process writes to PostgreSQL or MariaDB, optimize saves more than estimated. Otherwise, raise cache.ttl, if older results are acceptable.',
    page: 'guides/caching#expiration',
  },
  UNKNOWN_COMPUTED_FIELDS: EXTENSION,
  UNKNOWN_DATABASE: LATER,
  UNKNOWN_FUNCTION: PARAMETER,
  USER_DEFINED_FUNCTION: OWN_VALUE,
  VOLATILE_FUNCTION: PARAMETER,
}

/** The change that removes a reason, such as `batch:NO_SCOPE`; `undefined` if none is known. */
export function adviceFor(reason: string): ReasonAdvice | undefined {
  const code = /[A-Z][A-Z0-9_]*/.exec(reason)?.[0] ?? ''
  return Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined
}
