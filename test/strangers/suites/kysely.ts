import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { runNode } from './run-node.ts'
import type { Suite } from './suite.ts'

const DIALECTS = { sqlite: 'sqlite', postgresql: 'postgres', mysql: 'mysql' }

/** Kysely's tests: Mocha on compiled files, with the variants of one dialect. */
export const kysely: Suite = {
  prepare(checkout) {
    const compiler = join(checkout, 'node_modules/typescript/bin/tsc')
    for (const [output, project] of [
      ['dist/index.js', '.'],
      ['test/node/dist/test-setup.js', 'test/node'],
    ] as const)
      if (!existsSync(join(checkout, output))) runNode([compiler, '-p', project], checkout)
  },
  command: ({ checkout, database, report }) => ({
    cwd: checkout,
    args: [
      join(checkout, 'node_modules/mocha/bin/_mocha'),
      '--timeout',
      '60000',
      '--reporter',
      'json',
      '--reporter-option',
      `output=${report}`,
      'test/node/dist/**/*.test.js',
    ],
    env: { DIALECTS: DIALECTS[database], NODE_OPTIONS: `--import=${preload}` },
  }),
}

const preload = pathToFileURL(join(import.meta.dirname, 'in-process/kysely.mjs')).href
