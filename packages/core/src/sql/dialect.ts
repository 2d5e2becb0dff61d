/** The SQL dialects that Sluice reads. MariaDB counts as `mysql`. */
export type Dialect = 'postgresql' | 'sqlite' | 'mysql'
