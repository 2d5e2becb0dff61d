import type { Dialect } from '../../sql/dialect.ts'
import { mariadbPositions } from './mariadb-positions.ts'
import type { Positions } from './positions.ts'
import { postgresqlPositions } from './postgresql-positions.ts'

/** `undefined`: such a database has no replicas. Whether a server of MySQL's dialect is MariaDB only it tells. */
export function positionsOf(dialect: Dialect): Positions | undefined {
  if (dialect === 'sqlite') return undefined
  return dialect === 'postgresql' ? postgresqlPositions : mariadbPositions
}
