/** Query results that are kept by themselves. */
export const RESULTS = 'results'
/** The app's own values, of `sluice.tiered`. */
export const TIERED = 'tiered'
/** What `queries.cacheResult` was given. */
export const QUERY_RESULTS = 'query-results'

/** The namespaces of the in-process cache in which Sluice keeps what is its own. What others put there would be handed out as results. */
export const ownCacheNamespaces: readonly string[] = [RESULTS, TIERED, QUERY_RESULTS]
