import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { FLAGS } from '../support/typescript-process.ts'

/** The flag with which Node starts an app with Sluice. */
export const REGISTER: readonly string[] = ['--import', 'sluice/register']

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface RunOptions {
  readonly cwd?: string
  /** The executable of Node. */
  readonly node?: string
}

/** Runs an app to its end, without `NODE_ENV` unless a test sets it. */
export async function run(
  app: string,
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { cwd = import.meta.dirname, node = process.execPath }: RunOptions = {},
): Promise<Run> {
  const { NODE_ENV: _, NODE_OPTIONS: __, ...inherited } = process.env
  const child = spawn(node, [...FLAGS, ...flags, app], {
    cwd,
    env: { ...inherited, NO_COLOR: '1', ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk)
  })
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { code, stdout, stderr }
}

/** The number of the line that queries in a loop, by its comment. */
export function loopIn(app: string, comment = 'the loop'): number {
  const lines = readFileSync(app, 'utf8').split('\n')
  return lines.findIndex((line) => line.endsWith(`// ${comment}`)) + 1
}

export function countOf(text: string, part: string): number {
  return text.split(part).length - 1
}

/** The numbers of statements that an app printed, such as one for each request. */
export function statementsOf({ stderr }: Run): readonly number[] {
  return [...stderr.matchAll(/^statements (\d+)$/gm)].map(([, count]) => Number(count))
}
