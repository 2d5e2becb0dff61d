import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Suite } from './suite.ts'

const FILES = {
  sqlite: ['tests/sqlite/better-sqlite.test.ts', 'tests/relational/bettersqlite.test.ts'],
  postgresql: ['tests/pg/node-postgres.test.ts', 'tests/pg/pg-custom.test.ts', 'tests/relational/pg.test.ts'],
  mysql: [
    'tests/mysql/mysql.test.ts',
    'tests/mysql/mysql-custom.test.ts',
    'tests/mysql/mysql-prefixed.test.ts',
    'tests/relational/mysql.test.ts',
  ],
}

/** Drizzle's integration tests of one driver: Vitest on its sources. */
export const drizzle: Suite = {
  prepare(checkout) {
    if (!existsSync(join(checkout, 'integration-tests/node_modules/vitest')))
      throw new Error(`Expected ${checkout}/integration-tests to contain its dependencies. Run pnpm install.`)
  },
  command: ({ checkout, database, url, report }) => ({
    cwd: join(checkout, 'integration-tests'),
    args: [
      join(checkout, 'integration-tests/node_modules/vitest/vitest.mjs'),
      'run',
      '--config',
      join(import.meta.dirname, 'in-process/drizzle.vitest.config.mjs'),
      '--root',
      join(checkout, 'integration-tests'),
      '--reporter',
      'json',
      '--outputFile',
      report,
      ...FILES[database],
    ],
    env: {
      SKIP_EXTERNAL_DB_TESTS: '1',
      ...(url === undefined ? {} : { PG_CONNECTION_STRING: url, MYSQL_CONNECTION_STRING: url }),
    },
  }),
}
