import type { AdvisorTools } from '@sluice/core/database'
import type { Progress } from '../commands/progress.ts'

/** A scratch PostgreSQL where PGlite is installed; without it, indexes are advised without validation. */
export function pgliteScratch(progress: Progress): NonNullable<AdvisorTools['postgresqlScratch']> {
  return async (snapshot) => {
    progress.say('Starting a scratch PostgreSQL')
    try {
      await import('@electric-sql/pglite')
    } catch {
      return undefined
    }
    const { createPgliteScratch } = await import('./pglite-scratch.ts')
    return createPgliteScratch(snapshot)
  }
}
