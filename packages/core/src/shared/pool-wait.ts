/** A pool is too small if 5% of the requests for a connection wait so long, in milliseconds. */
export const LONG_POOL_WAIT_MS = 50
