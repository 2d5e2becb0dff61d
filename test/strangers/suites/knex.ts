import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Suite } from './suite.ts'

const CLIENTS = { sqlite: 'better-sqlite3', postgresql: 'postgres', mysql: 'mysql2' }

/** Knex's unit tests, and integration tests of one client, without those of its command line. */
export const knex: Suite = {
  internal: new Set([
    // Replaces the driver by a spy, through which Sluice reads the catalog, too.
    'Postgres Unit Tests Uses documented query config as param when providing bindings',
  ]),
  prepare(checkout) {
    if (!existsSync(join(checkout, 'node_modules/mocha')))
      throw new Error(`Expected ${checkout} to contain its dependencies. Run npm install there.`)
  },
  command: ({ checkout, database, url, folder, report }) => ({
    cwd: checkout,
    args: [
      join(checkout, 'node_modules/mocha/bin/_mocha'),
      '--exit',
      '--timeout',
      '60000',
      '--reporter',
      'json',
      '--reporter-option',
      `output=${report}`,
      '--grep',
      '^CLI tests',
      '--invert',
      // Unit tests leave instances behind whose databases do not exist.
      'test/prep-db-mocha.js',
      'test/integration-test-suite.js',
      'test/integration2/**/*.spec.js',
      'test/db-less-test-suite.js',
    ],
    env: {
      DB: CLIENTS[database],
      KNEX_TEST_TIMEOUT: '60000',
      NODE_OPTIONS: `--import=${preload}`,
      ...(url === undefined ? {} : { KNEX_TEST: connections(folder, url) }),
    },
  }),
}

const preload = pathToFileURL(join(import.meta.dirname, 'in-process/knex.mjs')).href

/** The module that Knex's tests read their connections from. */
function connections(folder: string, url: string): string {
  const { hostname, port, username, password, pathname } = new URL(url)
  const connection = {
    host: hostname,
    port: Number(port),
    user: username,
    password,
    database: pathname.slice(1),
  }
  const path = join(folder, 'connections.json')
  writeFileSync(path, JSON.stringify({ postgres: connection, mysql: { ...connection, charset: 'utf8' } }))
  return path
}
