import type { Dialect } from '../../sql/dialect.ts'
import type { Positions } from './positions.ts'
import { postgresqlPositions } from './postgresql-positions.ts'

/** `undefined`: the positions of such a database are not compared. */
export function positionsOf(dialect: Dialect): Positions | undefined {
  return dialect === 'postgresql' ? postgresqlPositions : undefined
}
