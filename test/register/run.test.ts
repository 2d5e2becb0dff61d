import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { TSX } from '../support/typescript-process.ts'
import { countOf, loopIn, type Run } from './run-app.ts'

const SCRIPT = join(import.meta.dirname, 'knex-script.main.ts')
const [APP, FORK, WAITING] = ['knex-app', 'knex-fork', 'knex-waiting'].map((name) =>
  join(import.meta.dirname, `${name}.main.ts`),
) as [string, string, string]

/** The built command. Processes load register with `--require`, which compiles no TypeScript. */
const CLI = join(import.meta.dirname, '../../packages/cli/dist/bin.js')

interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Run>
}

/** Starts `sluice run`. The processes of its command run TypeScript. */
function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cwd = import.meta.dirname,
): Running {
  const { NODE_ENV: _, ...inherited } = process.env
  const child = spawn(process.execPath, [CLI, 'run', ...args], {
    cwd,
    env: { ...inherited, NO_COLOR: '1', NODE_OPTIONS: `--import ${TSX}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk)
  })
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk)
  })
  const ended = new Promise<Run>((resolve) =>
    child.on('close', (code) => resolve({ code, stdout, stderr: summaryOf(stderr) })),
  )
  return { child, ended }
}

const run = (args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Run> =>
  start(args, env).ended

/** The output after that of the command's processes. */
function summaryOf(stderr: string): string {
  return stderr.slice(Math.max(0, stderr.lastIndexOf('sluice run   ')))
}

const N_PLUS_ONE = /N\+1 {3}script knex-(?:script|waiting)\.main\.ts +23 queries → 4 possible/

describe.skipIf(!existsSync(CLI))('sluice run', () => {
  it('prints the findings of the Sluice of an app, and fails on them', async () => {
    const env = { APP_SLUICE: 'own' }
    const { code, stderr } = await run(['--fail-on', 'n+1', '--', process.execPath, APP], env)
    expect(code).toBe(1)
    expect(stderr).toContain('1 finding in 1 process · Knex (better-sqlite3), Knex (withSluice)\n')
    expect(stderr).toContain('N+1   GET /teams/red/authors   21 queries → 2 possible')
  })

  it('prints the findings of an app once, when the command ends', async () => {
    const env = { APP_FRAMEWORK: 'express', APP_REQUESTS: '3' }
    const { code, stdout, stderr } = await run(['--', process.execPath, APP], env)
    expect({ code, lines: countOf(stdout, '\n') }).toEqual({ code: 0, lines: 3 })
    expect(stderr).toBe(`sluice run   1 finding in 1 process · Knex (better-sqlite3)

N+1   GET /teams/:team/authors   21 queries → 2 possible   seen 3 times
      at   knex-app.main.ts:${loopIn(APP)}:39
      fix  db('authors').whereIn('id', keys)
`)
  })

  it('adds up the findings of all processes, for each scope name', async () => {
    const { stderr } = await run(['--', process.execPath, FORK])
    expect(stderr).toContain('2 findings in 2 processes')
    expect(stderr).toMatch(N_PLUS_ONE)
    expect(stderr).toContain('N+1   script knex-fork.main.ts ')
  })

  it('starts an app that a hook of require compiles', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-hooked-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const [hook, app] = [join(folder, 'hook.cjs'), join(folder, 'app.foo')]
    const compile = 'module._compile(`console.log(process.env.SLUICE_RUN !== undefined)`, file)'
    writeFileSync(hook, `require.extensions['.foo'] = (module, file) => ${compile}`)
    writeFileSync(app, '')
    // No flag is `--import`, as it would be loaded as an ES module then.
    const { code, stdout } = await run([process.execPath, '--require', hook, app], { NODE_OPTIONS: '' })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'true\n' })
  })

  it('removes its folder, whose path may contain spaces', async () => {
    const TMPDIR = mkdtempSync(join(tmpdir(), 'sluice run-'))
    onTestFinished(() => rmSync(TMPDIR, { recursive: true }))
    const print = 'console.log(require("node:fs").existsSync(process.env.SLUICE_RUN))'
    const { stdout } = await run([process.execPath, '--eval', print], { TMPDIR })
    expect(stdout).toBe('true\n')
    expect(readdirSync(TMPDIR).filter((name) => name.startsWith('sluice-run-'))).toEqual([])
  })

  it('prints how to install the package that it needs', async () => {
    // The tests' own folders of packages contain it.
    const { ended } = start(['node'], { NODE_PATH: '' }, tmpdir())
    expect(await ended).toMatchObject({
      code: 2,
      stderr: 'sluice run: cannot find the package sluice. Install it: npm install --save-dev sluice\n',
    })
  })

  it('prints one line if no process has a client', async () => {
    const { code, stderr } = await run([process.execPath, '--eval', '1'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^sluice run {3}Sluice attached to no client\. .*\n$/)
  })

  it.each([
    ['0 without --fail-on', [], '', 0],
    ['1 with --fail-on n+1', ['--fail-on', 'n+1'], '', 1],
    ['0 with --fail-on budget, of which there is no finding', ['--fail-on', 'budget'], '', 0],
    ['that of a command that fails', ['--fail-on', 'n+1'], '; exit 4', 4],
  ])('exits with code %s', async (_, options, end, code) => {
    const command = `"${process.execPath}" "${SCRIPT}"${end}`
    const ended = await run([...options, '--', 'sh', '-c', command])
    expect(ended.code).toBe(code)
    expect(ended.stderr).toMatch(N_PLUS_ONE)
  })

  it('attaches in production, where only the summary is printed', async () => {
    const { child, ended } = start([process.execPath, SCRIPT], { NODE_ENV: 'production' })
    let stderr = ''
    child.stderr?.on('data', (chunk) => {
      stderr += String(chunk)
    })
    expect((await ended).stderr).toMatch(N_PLUS_ONE)
    expect(countOf(stderr, 'N+1')).toBe(1)
  })

  it('sets the mode', async () => {
    const print = 'console.log(process.env.SLUICE_MODE)'
    const { stdout } = await run(['--mode', 'shadow', '--', process.execPath, '--eval', print])
    expect(stdout).toBe('shadow\n')
  })

  it('has the findings of a process that was killed', async () => {
    const { code, stderr } = await run([process.execPath, WAITING], { APP_SIGNAL: 'SIGKILL' })
    expect(code).toBe(137)
    expect(stderr).toMatch(N_PLUS_ONE)
  })

  it('forwards a signal once, and lets the command decide', async () => {
    const { child, ended } = start([process.execPath, WAITING])
    let isStopped = false
    child.stdout?.on('data', (chunk) => {
      if (isStopped || !String(chunk).includes('ready')) return
      isStopped = true
      child.kill('SIGTERM')
    })
    const { code, stdout, stderr } = await ended
    expect(code).toBe(7)
    expect(countOf(stdout, 'SIGTERM')).toBe(1)
    expect(stderr).toMatch(N_PLUS_ONE)
  })
})
