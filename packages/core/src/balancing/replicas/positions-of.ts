import type { Dialect } from '../../sql/dialect.ts'
import { mariadbPositions } from './mariadb-positions.ts'
import type { Positions } from './positions.ts'
import { postgresqlPositions } from './postgresql-positions.ts'

/**
 * `undefined`: replicas of this database are not supported. Only the server itself shows whether it is MySQL
 * or MariaDB.
 */
export function positionsOf(dialect: Dialect): Positions | undefined {
  if (dialect === 'sqlite') return undefined
  return dialect === 'postgresql' ? postgresqlPositions : mariadbPositions
}
