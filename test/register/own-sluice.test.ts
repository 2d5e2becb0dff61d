import { join } from 'node:path'
import { expect, it } from 'vitest'
import { countOf, loopIn, REGISTER, type Run, run, statementsOf } from './run-app.ts'

const APP = join(import.meta.dirname, 'knex-app.main.ts')

it.each([
  ['http', 'GET /teams/red/authors'],
  ['fastify', 'GET /teams/:team/authors'],
])('opens scopes on the Sluice of an app on %s that opens none', async (framework, scope) => {
  const env = { APP_SLUICE: 'own', APP_FRAMEWORK: framework, APP_REQUESTS: '2' }
  const [bare, registered] = [await run(APP, [], env), await run(APP, REGISTER, env)]
  expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
  expect(bare.stderr).toContain('findings 0')
  // Its own statements, before the server listens, are those of a script.
  expect(registered.stderr).toContain('findings 2')
  expect(registered.stderr).toContain('Knex (withSluice)')
  // The app receives them itself.
  expect(registered.stderr).not.toContain('N+1')
  const silent = await run(APP, REGISTER, { ...env, APP_LISTENS: 'no' })
  expect(silent.stderr).toContain(`N+1  ${scope}   21 queries → 2 possible`)
  expect(silent.stderr).toContain(`knex-app.main.ts:${loopIn(APP)}:`)
  expect(countOf(silent.stderr, 'N+1')).toBe(1)
})

it('leaves the requests of a middleware to it', async () => {
  const env = { APP_SLUICE: 'own', APP_FRAMEWORK: 'express', APP_MIDDLEWARE: 'own', NODE_ENV: 'development' }
  const [bare, registered] = [await run(APP, [], env), await run(APP, REGISTER, env)]
  expect(bare.stdout).toContain('200 true')
  expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
  for (const { stderr } of [bare, registered]) {
    expect(stderr).toContain('findings 1')
    expect(countOf(stderr, 'N+1')).toBe(1)
  }
})

it('batches for the Sluice of an app that opens no scopes', async () => {
  const env = {
    APP_SLUICE: 'own',
    APP_FRAMEWORK: 'concurrent',
    APP_REQUESTS: '4',
    SLUICE_MODE: 'optimize',
  }
  const [bare, registered] = [await run(APP, [], env), await run(APP, REGISTER, env)]
  const responses = ({ stdout }: Run) => stdout.split('\n').filter((line) => line.startsWith('200'))
  expect(responses(registered)).toEqual(responses(bare))
  expect(statementsOf(registered)[0]).toBeLessThan(statementsOf(bare)[0] ?? 0)
})
