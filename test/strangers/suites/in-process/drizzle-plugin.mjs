import { join } from 'node:path'

/** Modules of Drizzle that export `drizzle`, and the pool of one connection for each. */
const DRIVERS = {
  'drizzle-orm/node-postgres': { from: 'pg', pool: 'pgPool' },
  'drizzle-orm/mysql2': { from: 'mysql2/promise', pool: 'mysqlPool' },
  'drizzle-orm/better-sqlite3': { from: 'better-sqlite3', pool: 'database' },
}
const PREFIX = '\0sluice:'
const clients = join(import.meta.dirname, 'drizzle-clients.mjs')

/**
 * Puts a module in between tests and `drizzle`.
 *
 * @param tests - The folder of the tests, which contains their dependencies.
 */
export function sluiceDrizzle(tests) {
  const inTests = join(tests, 'vitest.config.ts')
  return {
    name: 'sluice-drizzle',
    enforce: 'pre',
    resolveId(source, importer) {
      // The runner is outside the checkout, and must be the same Vitest.
      if (importer?.endsWith('vitest-runner.js') && source.startsWith('vitest/'))
        return this.resolve(source, inTests, { skipSelf: true })
      if (importer?.startsWith(PREFIX)) return this.resolve(source, inTests, { skipSelf: true })
      return source in DRIVERS ? PREFIX + source : undefined
    },
    load(id) {
      if (!id.startsWith(PREFIX)) return undefined
      const source = id.slice(PREFIX.length)
      const { from, pool } = DRIVERS[source]
      return `
        import * as driver from '${from}'
        import { drizzle as open } from '${source}'
        import { ${pool} } from '${clients}'
        export * from '${source}'
        export const drizzle = Object.assign((client, ...rest) => open(${pool}(client, driver), ...rest), open)
      `
    },
  }
}
