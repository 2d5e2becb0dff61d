import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isBuilt } from '../support/typescript-process.ts'
import { countOf, loopIn } from './run-app.ts'

const APP = join(import.meta.dirname, 'jest-app')
const PACKAGES = join(import.meta.dirname, '../../packages')
const CLI = join(PACKAGES, 'cli/dist/bin.js')
const JEST = join(import.meta.dirname, '../node_modules/jest/bin/jest.js')

/** Runs the tests of the app. Jest compiles no package, so that they need a build. */
async function runTests(args: readonly string[], before: readonly string[] = []) {
  const { NODE_ENV: _, NODE_OPTIONS: __, NODE_PATH: ___, ...inherited } = process.env
  const env = Object.fromEntries(Object.entries(inherited).filter(([name]) => !name.startsWith('VITEST')))
  const child = spawn(process.execPath, [...before, JEST, ...args], {
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
  'authors.jest.cjs > authors are read one by one   21',
  'authors.jest.cjs > reads with a server   21',
  'authors.jest.cjs > reads with fake timers   23',
  'mocks.jest.cjs > reads a database without callbacks   21',
]

describe.skipIf(!isBuilt)('sluice/jest', () => {
  it.each([
    ['one process', ['--runInBand']],
    ['two processes', ['--maxWorkers', '2']],
  ])('prints the findings of each test in %s', async (_, args) => {
    const { code, output } = await runTests(args)
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('7 passed') })
    expect(countOf(output, 'N+1')).toBe(SCOPES.length)
    for (const scope of SCOPES) expect(output).toContain(`N+1  test ${scope} queries → `)
    for (const file of ['authors', 'mocks'])
      expect(output).toContain(`at   ${file}.jest.cjs:${loopIn(join(APP, `${file}.jest.cjs`))}:`)
  })

  it('lets sluice run fail on the findings', async () => {
    const { code, output } = await runTests(
      ['--runInBand'],
      [CLI, 'run', '--fail-on', 'n+1', '--', process.execPath],
    )
    expect(code).toBe(1)
    expect(output).toContain('sluice run   4 findings in 1 process · Knex (better-sqlite3), better-sqlite3')
    for (const scope of SCOPES)
      expect(output).toMatch(new RegExp(`N\\+1 {3}test ${scope.replace(/ {3}/, ' +')} queries → `))
  })
})
