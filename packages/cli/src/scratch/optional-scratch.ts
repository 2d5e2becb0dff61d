import type { AdvisorTools } from '@sluice/core/database'
import type { Progress } from '../commands/progress.ts'
import { loadDriver } from '../connect/load-driver.ts'

/**
 * Creates a scratch PostgreSQL if PGlite is installed. Without it, indexes are recommended without
 * validation.
 */
export function pgliteScratch(progress: Progress): NonNullable<AdvisorTools['postgresqlScratch']> {
  return async (snapshot) => {
    progress.say('Starting a scratch PostgreSQL')
    try {
      await loadDriver('@electric-sql/pglite', () => import('@electric-sql/pglite'))
    } catch {
      return undefined
    }
    const { createPgliteScratch } = await import('./pglite-scratch.ts')
    return createPgliteScratch(snapshot)
  }
}
