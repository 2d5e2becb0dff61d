/** The SQL dialects that Sluice reads. MariaDB counts as `mysql`. */
export type Dialect = 'postgresql' | 'sqlite' | 'mysql'

/** Keys that one statement may bind on each database, with room for the ORM's own values. */
export const MAX_BOUND_KEYS: Readonly<Record<Dialect, number>> = { sqlite: 900, postgresql: 32_000, mysql: 65_000 }
