import { join } from 'node:path'
import { expect } from 'vitest'
import { countOf, loopIn, REGISTER, type Run, run, statementsOf } from './run-app.ts'

/** A program in `programs`, and what Sluice finds in it. */
export interface Program {
  readonly name: string
  readonly attached: string
  readonly env?: Readonly<Record<string, string>>
  readonly findings: number
  /** How many findings have a call site, and a fix. Default: all. */
  readonly located?: number
  readonly fixed?: number
  /** The queries of each finding. */
  readonly repeats?: number
  /** Comments at lines that findings name. */
  readonly loops: readonly string[]
  readonly requests?: readonly string[]
  readonly fixes: readonly string[]
}

type Environment = Readonly<Record<string, string>>

export function programOf(name: string): string {
  return join(import.meta.dirname, 'programs', `${name}.main.ts`)
}

/** Expects that Sluice changes no output of a program, and finds what it repeats. */
export async function expectFound(program: Program, env: Environment): Promise<void> {
  const { name, attached, findings, located = findings, fixed = findings, repeats } = program
  const { loops, requests = [], fixes } = program
  const app = programOf(name)
  const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
  expect(bare).toMatchObject({ code: 0, stderr: '' })
  expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
  expect(registered.stderr).toContain(`sluice  attached ${attached} · mode observe`)
  expect({
    findings: countOf(registered.stderr, '▲ '),
    located: countOf(registered.stderr, `\n  at   programs/${name}.main.ts:`),
    fixed: countOf(registered.stderr, '\n  fix  '),
  }).toEqual({ findings, located, fixed })
  if (repeats !== undefined) expect(countOf(registered.stderr, `\n  ${repeats}× `)).toBe(findings)
  for (const request of requests) expect(registered.stderr).toContain(`N+1  ${request} → `)
  for (const loop of loops)
    expect(registered.stderr).toMatch(new RegExp(`at +programs/${name}\\.main\\.ts:${loopIn(app, loop)}:`))
  for (const fix of fixes) expect(registered.stderr).toContain(`fix  ${fix}\n`)
}

/** How a program is started with Sluice in `optimize`. */
export interface Attach {
  readonly flags: readonly string[]
  readonly env: Environment
}

const BY_REGISTER: Attach = { flags: REGISTER, env: { SLUICE_MODE: 'optimize' } }

/** Runs a program without Sluice and in `optimize`, and expects the same output. */
export async function runOptimized(
  name: string,
  env: Environment,
  attach: Attach = BY_REGISTER,
): Promise<{ readonly bare: Run; readonly optimized: Run }> {
  const app = programOf(name)
  const bare = await run(app, [], env)
  const optimized = await run(app, attach.flags, { ...attach.env, ...env })
  expect(bare.code).toBe(0)
  expect(optimized).toMatchObject({ code: 0, stdout: bare.stdout })
  return { bare, optimized }
}

/** Expects what a server on an ORM sends without Sluice, and in `optimize`. */
export async function expectBatched(
  orm: string,
  env: Environment,
  [statements, fewest]: readonly [bare: number, optimized: number],
  attach?: Attach,
): Promise<void> {
  const own = { ...env, APP_ORM: orm, APP_REQUESTS: '8' }
  const { bare, optimized } = await runOptimized('orm-server', own, attach)
  expect(bare.stdout).toContain('author 20')
  expect(statementsOf(bare).at(-1)).toBe(statements)
  // A batch is split where a timer ends it first.
  expect(Math.min(...statementsOf(optimized))).toBe(fewest)
  const inSession = { ...own, APP_SESSION: 'yes', APP_REQUESTS: '3' }
  expect((await runOptimized('orm-server', inSession, attach)).bare.stdout).toContain('"red"')
}

/** Expects that clients of one database read what the others write, without and with the cache. */
export async function expectSameMixed(env: Environment): Promise<void> {
  const app = programOf('mixed')
  const bare = await run(app, [], env)
  expect(bare).toMatchObject({ code: 0, stdout: expect.stringMatching(/name \d/) })
  for (const [cache, used] of [
    ['off', 'batched true, cached false'],
    ['60', 'batched true, cached true'],
  ] as const) {
    const optimized = await run(app, REGISTER, { SLUICE_MODE: 'optimize', SLUICE_CACHE: cache, ...env })
    expect(optimized).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(optimized.stderr).toContain(used)
  }
}

/** Expects that lookups of TypeORM with relations are batched, each of which sends two statements. */
export async function expectRelationsBatched(env: Environment): Promise<void> {
  const { bare, optimized } = await runOptimized('typeorm-relations', env)
  expect(bare.stdout).toContain('"book 40"')
  expect(statementsOf(bare).slice(-2)).toEqual([41, 41])
  // The list, and two queries for all its rows.
  expect(statementsOf(optimized).slice(-2)).toEqual([3, 3])
}
