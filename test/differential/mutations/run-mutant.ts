import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { MutantReport } from './mutant.ts'
import { type Mutation, pathOf } from './mutation.ts'

export interface MutantOptions {
  /** Programs after which a mutation counts as missed. */
  readonly budget: number
  readonly seed: number
}

/**
 * Runs the oracle in a process of its own, in which the mutation's text stands in place of the sources'.
 *
 * @throws Error when the process fails for another reason than a difference.
 */
export async function runMutant({ name, edits, dialect = 'sqlite' }: Mutation, { budget, seed }: MutantOptions): Promise<MutantReport> {
  const patches = edits.map((edit) => ({ path: pathOf(edit), find: edit.find, replace: edit.replace }))
  const here = import.meta.dirname
  const args = ['--import', join(here, 'register.mjs'), '--import', 'tsx', '--conditions=@sluice/source', join(here, 'mutant.ts')]
  const child = spawn(process.execPath, args, {
    cwd: join(here, '../../..'),
    env: {
      ...process.env,
      SLUICE_MUTATION: JSON.stringify(patches),
      SLUICE_MUTANT: JSON.stringify({ dialect, budget, seed }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output: Buffer[] = []
  child.stdout.on('data', (part: Buffer) => output.push(part))
  child.stderr.on('data', (part: Buffer) => output.push(part))
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', () => resolve())
  })
  const text = Buffer.concat(output).toString()
  const line = text.split('\n').find((each) => each.startsWith('mutant '))
  if (line === undefined) throw new Error(`${name}: expected a report, got:\n${text.slice(-3000)}`)
  return JSON.parse(line.slice('mutant '.length)) as MutantReport
}
