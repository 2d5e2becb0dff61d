/** The environment variables with the servers of the benchmark. */
export const REDIS_URL = 'SLUICE_BENCH_REDIS'
export const POSTGRES_URL = 'SLUICE_BENCH_POSTGRES'
export const MEMCACHED_ADDRESS = 'SLUICE_BENCH_MEMCACHED'
