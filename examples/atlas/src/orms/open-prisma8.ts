import postgres from '@prisma/orm-postgres/runtime'
import type { Sluice } from '@sluice/core'
import { withSluice } from '@sluice/prisma8'
import type pg from 'pg'
import type { Contract } from '../../prisma8/generated/contract.d.ts'
import contractJson from '../../prisma8/generated/contract.json' with { type: 'json' }

/** Opens Prisma 8 on a pool. The package needs Node 22.18 or later. */
export function openPrisma8(pool: pg.Pool, sluice: Sluice | undefined) {
  // Prisma pins an older version of the types of `pg`.
  const options = { contractJson, pg: pool as never, verifyMarker: false } as const
  const db = postgres<Contract>(sluice === undefined ? options : withSluice(options, sluice))
  return {
    db,
    async close() {
      await db.close()
      await pool.end()
    },
  }
}
