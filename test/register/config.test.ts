import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countOf, REGISTER, run } from './run-app.ts'

const APP = join(import.meta.dirname, 'knex-app.main.ts')
const SCRIPT = join(import.meta.dirname, 'knex-script.main.ts')
const DASHBOARD = join(import.meta.dirname, 'knex-dashboard.main.ts')
const CONFIG_APP = join(import.meta.dirname, 'config-app')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function fileWith(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const jsonWith = (config: object) => fileWith('sluice.config.json', JSON.stringify(config))

describe('the config file of sluice/register', () => {
  it('is the one next to package.json, and the environment takes precedence', async () => {
    const [file, environment] = await Promise.all([
      run(SCRIPT, REGISTER, {}, { cwd: CONFIG_APP }),
      run(SCRIPT, REGISTER, { SLUICE_MODE: 'observe' }, { cwd: CONFIG_APP }),
    ])
    expect(file).toMatchObject({ code: 0, stdout: '20\n' })
    expect(file.stderr).toContain('attached Knex (better-sqlite3) · mode shadow')
    expect(environment.stderr).toContain('attached Knex (better-sqlite3) · mode observe')
  })

  it.each([
    ['sluice.config.js', 'module.exports = { mode: "shadow" }'],
    ['sluice.config.mjs', 'export default { mode: "shadow" }'],
    ['sluice.config.ts', 'const mode: string = "shadow"\nexport default { mode }'],
  ])('can be %s', async (name, content) => {
    const { stdout, stderr } = await run(SCRIPT, REGISTER, { SLUICE_CONFIG: fileWith(name, content) })
    expect(stdout).toBe('20\n')
    expect(stderr).toContain('mode shadow')
  })

  it('lets requests without a scope', async () => {
    const SLUICE_CONFIG = jsonWith({ register: { ignore: ['GET /teams/red/authors'] } })
    const { stdout, stderr } = await run(APP, REGISTER, { SLUICE_CONFIG })
    expect(stdout).toContain('author 19')
    expect(stderr).toContain('sluice  attached')
    expect(stderr).not.toContain('N+1')
  })

  it.each([
    ['an unknown option', { mod: 'shadow' }, 'Unknown option "mod". Did you mean "mode"?'],
    ['an unknown option of register', { register: { job: true } }, 'Unknown option "register.job"'],
    [
      'an unknown client',
      { register: { clients: { exclude: ['knx'] } } },
      'Option "register.clients.exclude": expected names of clients: knex, ',
    ],
  ])('lets the app start without Sluice, and says why, for %s', async (_, config, message) => {
    const { code, stdout, stderr } = await run(SCRIPT, REGISTER, { SLUICE_CONFIG: jsonWith(config) })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '20\n' })
    expect(countOf(stderr, '[SLUICE_REGISTER]')).toBe(1)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('sluice  attached')
  })

  it.each([
    ['that throws', 'throw new Error("not today")', 'sluice.config.js throws: not today'],
    ['that creates a client', `require(${JSON.stringify(SCRIPT)})`, 'Sluice did not attach to Knex'],
  ])('lets the app start without Sluice for a file %s', async (_, content, message) => {
    const SLUICE_CONFIG = fileWith('sluice.config.js', content)
    const { code, stderr } = await run(SCRIPT, REGISTER, { SLUICE_CONFIG })
    expect(code).toBe(0)
    expect(stderr).toContain(message)
  })

  it('attaches in production, and prints nothing unless it was asked to', async () => {
    const env = { NODE_ENV: 'production', SLUICE_CONFIG: jsonWith({}) }
    const [silent, printing] = await Promise.all([
      run(APP, REGISTER, env),
      run(APP, REGISTER, { ...env, SLUICE_REPORT: 'stderr' }),
    ])
    expect(silent.stderr).toContain('default true')
    expect(silent.stderr).not.toContain('sluice  ')
    expect(printing.stderr).toContain('sluice  attached')
    expect(printing.stderr).toContain('N+1')
  })
})

describe('SLUICE_CLIENTS', () => {
  it.each(['-knex', 'pg,kysely', ' pg , -knex '])('excludes what %j does not choose', async (text) => {
    const { stdout, stderr } = await run(SCRIPT, REGISTER, { SLUICE_CLIENTS: text })
    expect(stdout).toBe('20\n')
    expect(stderr).not.toContain('Knex')
  })

  it('sees the statements in the driver of an ORM that was excluded', async () => {
    const { stderr } = await run(SCRIPT, REGISTER, { SLUICE_CLIENTS: 'better-sqlite3' })
    expect(stderr).toContain('sluice  attached better-sqlite3 (Knex) · ')
    expect(countOf(stderr, 'N+1')).toBe(1)
  })

  it('must name known clients', async () => {
    const { code, stderr } = await run(SCRIPT, REGISTER, { SLUICE_CLIENTS: 'knx' })
    expect(code).toBe(0)
    expect(stderr).toContain('Option "SLUICE_CLIENTS": expected names of clients: knex, ')
  })
})

describe('SLUICE_REPORT', () => {
  it('prints a line of JSON for the clients and for each finding', async () => {
    const { stderr } = await run(APP, REGISTER, { SLUICE_REPORT: 'json', APP_REQUESTS: '3' })
    const lines = stderr.split('\n').filter((line) => line.startsWith('{'))
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { event: 'attached', clients: ['Knex (better-sqlite3)'], mode: 'observe', pid: expect.any(Number) },
      expect.objectContaining({ event: 'finding', times: 1, code: 'N_PLUS_ONE', count: 20 }),
    ])
    expect(stderr).not.toContain('▲')
  })

  it('prints nothing if it is off', async () => {
    const { stderr } = await run(APP, REGISTER, { SLUICE_REPORT: 'off' })
    expect(stderr).toContain('default true')
    expect(stderr).not.toMatch(/sluice {2}|N\+1/)
  })
})

describe('SLUICE_DASHBOARD', () => {
  it('serves a dashboard whose server is not that of the app and does not keep it alive', async () => {
    const { code, stdout, stderr } = await run(DASHBOARD, REGISTER, { SLUICE_DASHBOARD: '1' })
    expect(code).toBe(0)
    expect(stdout).toBe('200 text/html; charset=utf-8\n20\n')
    expect(countOf(stderr, '▲ Dashboard: http://127.0.0.1:')).toBe(1)
    // The script is still one, although a server listens.
    expect(stderr).toContain('N+1  script knex-dashboard.main.ts   ')
  })

  it('needs authorize in production', async () => {
    const env = { SLUICE_DASHBOARD: '1', SLUICE_MODE: 'observe', NODE_ENV: 'production' }
    const { code, stdout, stderr } = await run(SCRIPT, REGISTER, env)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '20\n' })
    expect(stderr).toContain(
      'Sluice did not attach to the dashboard: A dashboard without the option `authorize`',
    )
  })
})
