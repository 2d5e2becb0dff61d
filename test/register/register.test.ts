import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, it } from 'vitest'
import { isBuilt } from '../support/typescript-process.ts'
import { countOf, loopIn, REGISTER, type Run, run as runApp, statementsOf } from './run-app.ts'

const APP = join(import.meta.dirname, 'knex-app.main.ts')
const SCRIPT = join(import.meta.dirname, 'knex-script.main.ts')
const BUILT = join(import.meta.dirname, '../../packages/sluice/dist/register.cjs')
const SOURCE = join(import.meta.dirname, '../../packages/sluice/src/register.ts')

const run = (flags: readonly string[], env: Readonly<Record<string, string>> = {}, app = APP): Promise<Run> =>
  runApp(app, flags, env)

describe('sluice/register', () => {
  it.each([
    ['http', 'GET /teams/red/authors'],
    ['https', 'GET /teams/red/authors'],
    ['express', 'GET /teams/:team/authors'],
    ['fastify', 'GET /teams/:team/authors'],
  ])('finds an N+1 of an app on %s, and changes no response', async (framework, scope) => {
    // The certificate is one of the tests.
    const env = { APP_FRAMEWORK: framework, NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    const [bare, registered] = [await run([], env), await run(REGISTER, env)]
    expect(bare).toMatchObject({ code: 0, stdout: expect.stringContaining('author 19') })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain(
      'sluice  attached Knex (better-sqlite3) · mode observe · off: SLUICE=off\n',
    )
    expect(registered.stderr).toContain(`N+1  ${scope}   21 queries → 2 possible`)
    expect(registered.stderr).toContain(`knex-app.main.ts:${loopIn(APP)}:`)
    expect(registered.stderr).toContain("fix  db('authors').whereIn('id', keys)")
    expect(countOf(registered.stderr, 'N+1')).toBe(1)
  })

  it('imports a module unchanged if its hook throws, with one warning', async () => {
    const app = join(import.meta.dirname, 'failing-hook.main.ts')
    const { code, stdout, stderr } = await run([], {}, app)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '42\n' })
    expect(countOf(stderr, 'SluiceWarning: Sluice did not attach to a client: This version has')).toBe(1)
  })

  it('attaches to a client that an earlier flag has loaded', async () => {
    const client = createRequire(import.meta.url).resolve('better-sqlite3')
    const app = join(import.meta.dirname, 'programs/better-sqlite3.main.ts')
    const [bare, registered] = [
      await run([], {}, app),
      await run(['--require', client, ...REGISTER], {}, app),
    ]
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain('sluice  attached better-sqlite3 · mode observe')
  })

  it('finds the loops of a script at its end', async () => {
    const { code, stdout, stderr } = await run(REGISTER, {}, SCRIPT)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '20\n' })
    expect(stderr).toContain('N+1  script knex-script.main.ts   ')
    expect(stderr).toContain(`knex-script.main.ts:${loopIn(SCRIPT)}:`)
    expect(countOf(stderr, 'N+1')).toBe(1)
  })

  it('inspects no script in optimize, where it may wait for a write of another process', async () => {
    const { stdout, stderr } = await run(REGISTER, { SLUICE_MODE: 'optimize' }, SCRIPT)
    expect(stdout).toBe('20\n')
    expect(stderr).not.toContain('N+1')
  })

  it('does not claim to be attached to a client that it does not support', async () => {
    const code = `import knex from 'knex'
      class Other extends knex.Client { driverName = 'other' }
      const db = knex({ client: Other })
      console.log(db('authors').toString())`
    const { stdout, stderr } = await run([...REGISTER, '--input-type=module', '--eval'], {}, code)
    expect(stdout).toBe('select * from "authors"\n')
    expect(stderr).toContain('SluiceWarning')
    expect(stderr).not.toContain('sluice  attached')
  })

  it.skipIf(!isBuilt)('attaches once, although a process loads two copies of it', async () => {
    const { stderr } = await run(['--import', pathToFileURL(SOURCE).href, '--require', BUILT])
    expect(countOf(stderr, 'sluice  attached')).toBe(1)
    expect(countOf(stderr, 'N+1')).toBe(1)
  })

  it.skipIf(!isBuilt)('loads the core with the first call of a driver, and no adapter', async () => {
    const code = `const loaded = () => [...new Set(Object.keys(require.cache).flatMap(
        (file) => /packages[/](?!sluice)(\\w+)[/]/.exec(file)?.[1] ?? []))].sort().join()
      const drivers = ['pg', 'mysql2', 'mysql', 'kysely', 'typeorm', 'sequelize', 'bullmq'].map((name) => require(name))
      const Database = require('better-sqlite3')
      console.log(loaded())
      new Database(':memory:').prepare('SELECT 1').get()
      console.log(loaded())`
    const { stdout } = await run(['--require', BUILT, '--eval'], {}, code)
    expect(stdout).toBe('\ncore,http\n')
  })

  it.skipIf(!isBuilt)('attaches with --require', async () => {
    const { stderr } = await run(['--require', BUILT])
    expect(countOf(stderr, 'N+1')).toBe(1)
  })

  it.each([
    ['off', { SLUICE: 'off' }],
    ['not asked for in production', { NODE_ENV: 'production' }],
  ])('does nothing if it is %s', async (_, env) => {
    const { stderr } = await run(REGISTER, env)
    expect(stderr).not.toContain('sluice  ')
    expect(stderr).not.toContain('N+1')
    expect(stderr).toContain('default false')
  })

  it('attaches in production if a mode was chosen, and prints nothing', async () => {
    const { stderr } = await run(REGISTER, { NODE_ENV: 'production', SLUICE_MODE: 'observe' })
    expect(stderr).not.toContain('sluice  ')
    expect(stderr).not.toContain('N+1')
    expect(stderr).toContain('default true')
  })

  it('optimizes an app, without its cache unless it was asked for', async () => {
    const env = { APP_FRAMEWORK: 'concurrent', APP_REQUESTS: '4' }
    const [bare, optimized, cached] = await Promise.all([
      run([], env),
      run(REGISTER, { ...env, SLUICE_MODE: 'optimize' }),
      run(REGISTER, { ...env, SLUICE_MODE: 'optimize', SLUICE_CACHE: '60' }),
    ])
    expect(optimized.stdout).toBe(bare.stdout)
    expect(cached.stdout).toBe(bare.stdout)
    const statements = (one: Run) => statementsOf(one)[0] ?? Number.NaN
    expect(statements(bare)).toBe(84)
    // The last three requests: the list, and one query for all its rows.
    expect(statements(optimized)).toBeLessThan(84)
    expect(statements(optimized)).toBeGreaterThanOrEqual(8)
    expect(statements(cached)).toBeLessThan(statements(optimized))
  })

  it('lets an app start without Sluice if a setting is wrong, with one warning', async () => {
    const [bare, registered] = await Promise.all([run([]), run(REGISTER, { SLUICE_CACHE: 'yes' })])
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(countOf(registered.stderr, '[SLUICE_REGISTER]')).toBe(1)
    expect(registered.stderr).toContain(
      'Option "SLUICE_CACHE": expected off or a number of seconds, got "yes".',
    )
  })

  it('gives way to the Sluice of the app', async () => {
    const { stderr, stdout } = await run(REGISTER, { APP_SLUICE: 'own' })
    expect(stdout).toContain('seen true')
    expect(stderr).toContain('default false')
    expect(stderr).not.toContain('SLUICE_INSTRUMENTED_TWICE')
  })

  it('reports each finding once if the app uses the default Sluice and a middleware', async () => {
    const { stderr } = await run(REGISTER, { APP_SLUICE: 'default', APP_FRAMEWORK: 'express' })
    expect(stderr).toContain('default true')
    expect(countOf(stderr, 'N+1')).toBe(1)
  })
})

it('tells an app on a server after 10 s that no client was loaded', { timeout: 40_000 }, async () => {
  const { code, stderr } = await run(REGISTER, {}, join(import.meta.dirname, 'no-client.main.ts'))
  expect(code).toBe(0)
  expect(countOf(stderr, 'sluice  ')).toBe(1)
  expect(stderr).toContain('sluice  attached to no client: the app has not loaded Knex, ')
})

it('names requests after the operations of GraphQL that they execute', async () => {
  const app = join(import.meta.dirname, 'programs/graphql.main.ts')
  const [bare, registered] = [await run([], {}, app), await run(REGISTER, {}, app)]
  expect(bare).toMatchObject({ code: 0, stdout: expect.stringContaining('"twin":20') })
  expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
  for (const name of ['query Twins   21', 'query { count, authors }   22', 'query Other   21'])
    expect(registered.stderr).toContain(`N+1  GraphQL ${name} queries → `)
  expect(registered.stderr).toMatch(
    new RegExp(`at +programs/graphql\\.main\\.ts:${loopIn(app, 'the field')}:`),
  )
})
