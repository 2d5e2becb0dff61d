/** Where contenders find the servers of the bench. */
export const REDIS_URL = 'SLUICE_BENCH_REDIS'
export const POSTGRES_URL = 'SLUICE_BENCH_POSTGRES'
