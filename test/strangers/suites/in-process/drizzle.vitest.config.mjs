// Drizzle's tests on its sources. Their functions `drizzle` open each client through Sluice.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { sluiceDrizzle } from './drizzle-plugin.mjs'

const tests = join(process.env.SLUICE_SUITE_CHECKOUT, 'integration-tests')
const paths = join(tests, 'node_modules/vite-tsconfig-paths/dist/index.mjs')
const { default: tsconfigPaths } = await import(pathToFileURL(paths).href)

export default {
  plugins: [sluiceDrizzle(tests), tsconfigPaths()],
  test: {
    runner: join(import.meta.dirname, 'vitest-runner.js'),
    // One file after the other: they use the same tables.
    fileParallelism: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
}
