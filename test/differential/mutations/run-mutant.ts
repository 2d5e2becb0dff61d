import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { MutantReport } from './mutant.ts'
import { type KillingTest, type Mutation, type Patch, pathOf, root } from './mutation.ts'

const here = import.meta.dirname

export interface MutantOptions {
  /** Number of programs after which a mutation counts as missed. */
  readonly budget: number
  readonly seed: number
}

/**
 * Runs the oracle, or the mutation's test, in a separate process with the edited sources.
 *
 * @throws Error if the process fails for any reason except a difference.
 */
export async function runMutant(mutation: Mutation, { budget, seed }: MutantOptions): Promise<MutantReport> {
  const { name, dialect = 'sqlite', hasFeatures = false, isFixed = false, builders, test } = mutation
  if (test !== undefined) return runTest(mutation, test)
  const args = [
    '--import',
    join(here, 'register.mjs'),
    '--import',
    'tsx',
    '--conditions=@sluice/source',
    join(here, 'mutant.ts'),
  ]
  const text = await run(mutation, args, {
    SLUICE_MUTANT: JSON.stringify({ dialect, budget, seed, hasFeatures, isFixed, builders }),
  })
  const line = text.split('\n').find((each) => each.startsWith('mutant '))
  if (line === undefined) throw new Error(`${name}: expected a report, got:\n${text.slice(-3000)}`)
  return JSON.parse(line.slice('mutant '.length)) as MutantReport
}

async function runTest(mutation: Mutation, { file, name }: KillingTest): Promise<MutantReport> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const named = name.replace(/[$()*+.?[\\\]^{|}]/g, '\\$&')
  const args = [
    vitest,
    'run',
    '--config',
    join(here, 'vitest.config.ts'),
    '--project',
    file.startsWith('packages/') ? 'unit' : 'integration',
    '--reporter',
    'json',
    file,
    '-t',
    named,
  ]
  const text = await run(mutation, args, { NO_COLOR: '1' })
  const line = text.split('\n').find((each) => each.startsWith('{"numTotalTestSuites"'))
  if (line === undefined) throw new Error(`${mutation.name}: expected a report, got:\n${text.slice(-3000)}`)
  const { numFailedTests, numPassedTests, testResults } = JSON.parse(line) as TestReport
  const messages = testResults.flatMap(({ assertionResults }) =>
    assertionResults.flatMap(({ failureMessages }) => failureMessages),
  )
  const programs = numFailedTests + numPassedTests
  if (programs === 0) throw new Error(`${mutation.name}: expected tests, got:\n${text.slice(-3000)}`)
  return numFailedTests === 0 ? { programs } : { programs, found: messages.join('\n').slice(0, 500) }
}

interface TestReport {
  readonly numFailedTests: number
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly failureMessages: readonly string[] }[]
  }[]
}

/** The output of the process. */
async function run(
  { edits }: Mutation,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const patches = edits.map((edit): Patch => ({ path: pathOf(edit), find: edit.find, replace: edit.replace }))
  const child = spawn(process.execPath, args, {
    cwd: root,
    // Built packages do not contain the edits.
    env: { ...process.env, ...env, SLUICE_MUTATION: JSON.stringify(patches), SLUICE_TEST_BUILT: 'false' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => output.push(part))
  child.stderr.on('data', (part: Buffer) => output.push(part))
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve())
  })
  return Buffer.concat(output).toString()
}
