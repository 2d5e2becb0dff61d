import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isBuilt } from '../support/typescript-process.ts'
import { countOf, loopIn } from './run-app.ts'

const APP = join(import.meta.dirname, 'vitest-app')
const TESTS = join(APP, 'authors.vitest.ts')
const PACKAGES = join(import.meta.dirname, '../../packages')
const CLI = join(PACKAGES, 'cli/dist/bin.js')
const VITEST = join(import.meta.dirname, '../../node_modules/vitest/vitest.mjs')

/** Runs the tests of the app. Vitest compiles no package, so that they need a build. */
async function runTests(args: readonly string[], before: readonly string[] = []) {
  const { NODE_ENV: _, NODE_OPTIONS: __, NODE_PATH: ___, ...inherited } = process.env
  const env = Object.fromEntries(Object.entries(inherited).filter(([name]) => !name.startsWith('VITEST')))
  const child = spawn(process.execPath, [...before, VITEST, 'run', ...args], {
    cwd: APP,
    env: { ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += String(chunk)
    })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, output }
}

const SCOPES = [
  'authors.vitest.ts > authors > are read one by one   21',
  'authors.vitest.ts > reads with a server   21',
  // Two concurrent tests.
  'authors.vitest.ts   42',
]

describe.skipIf(!isBuilt)('sluice/vitest', () => {
  it.each([
    ['forks', []],
    ['threads', []],
    ['forks', ['--no-isolate']],
  ])('prints the findings of each test with the pool %s %j', async (pool, more) => {
    const { code, output } = await runTests(['--pool', pool, ...more])
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('5 passed') })
    expect(countOf(output, 'N+1')).toBe(SCOPES.length)
    for (const scope of SCOPES) expect(output).toContain(`N+1  test ${scope} queries → `)
    expect(output).toContain(`at   authors.vitest.ts:${loopIn(TESTS)}:`)
  })

  it.each(['forks', 'threads'])('lets sluice run fail on the findings of the pool %s', async (pool) => {
    const { code, output } = await runTests(
      ['--pool', pool],
      [CLI, 'run', '--fail-on', 'n+1', '--', process.execPath],
    )
    expect(code).toBe(1)
    expect(output).toContain('sluice run   3 findings in 1 process · Knex (better-sqlite3)')
    for (const scope of SCOPES)
      expect(output).toMatch(new RegExp(`N\\+1 {3}test ${scope.replace(/ {3}/, ' +')} queries → `))
  })
})
