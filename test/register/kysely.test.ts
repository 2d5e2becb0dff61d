import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isBuilt } from '../support/typescript-process.ts'
import { OPTIMIZED } from './cases/case.ts'
import { countOf, loopIn, REGISTER, type Run, run } from './run-app.ts'

const SCRIPT = join(import.meta.dirname, 'kysely-script.main.ts')
const BUILDS = join(import.meta.dirname, 'kysely-builds.main.ts')
const APP = join(import.meta.dirname, 'kysely-app.main.ts')
const BUILT = join(import.meta.dirname, '../../packages/sluice/dist/register.cjs')

const ATTACHED = 'sluice  attached Kysely (sqlite) · mode observe · off: SLUICE=off\n'
const FIX = "fix  db.selectFrom('author').selectAll().where('id', 'in', keys).execute()"

describe('the Kysely seam', () => {
  it('finds the loop of an app, whose subclasses, transactions and streams work as before', async () => {
    const [bare, registered] = [await run(SCRIPT, []), await run(SCRIPT, REGISTER)]
    expect(bare).toMatchObject({ code: 0, stdout: expect.stringContaining('classes true true true Kysely') })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain(ATTACHED)
    expect(registered.stderr).toContain(`kysely-script.main.ts:${loopIn(SCRIPT)}:`)
    expect(registered.stderr).toContain(FIX)
    expect(countOf(registered.stderr, 'N+1')).toBe(1)
  })

  it.each([
    ['kysely', 'import'],
    ['kysely', 'require'],
    ['kysely028', 'import'],
    ['kysely028', 'require'],
  ])('attaches to %s that an app loads with %s', async (name, load) => {
    const env = { APP_KYSELY: name, APP_LOADS: load }
    const [bare, registered] = [await run(BUILDS, [], env), await run(BUILDS, REGISTER, env)]
    expect(bare).toMatchObject({ code: 0, stdout: expect.stringContaining('author 19') })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain(ATTACHED)
    expect(registered.stderr).toContain(`kysely-builds.main.ts:${loopIn(BUILDS)}:`)
    expect(countOf(registered.stderr, 'N+1')).toBe(1)
  })

  it.skipIf(!isBuilt)('attaches with --require, which the thread of hooks also runs', async () => {
    const { code, stderr } = await run(SCRIPT, ['--require', BUILT])
    expect({ code, found: countOf(stderr, 'N+1') }).toEqual({ code: 0, found: 1 })
  })

  it('gives way to the Sluice of the app', async () => {
    const { code, stderr } = await run(SCRIPT, REGISTER, { APP_SLUICE: 'own' })
    expect(code).toBe(0)
    expect(countOf(stderr, 'own finding')).toBe(1)
    expect(stderr).not.toContain('N+1')
    expect(stderr).toContain('sluice  attached Kysely (withSluice) · ')
    expect(stderr).not.toContain('SLUICE_INSTRUMENTED_TWICE')
    expect(stderr).toContain('default false')
  })

  it('instruments no dialect twice that already uses the default Sluice', async () => {
    const { code, stderr } = await run(SCRIPT, REGISTER, { APP_SLUICE: 'default' })
    expect(code).toBe(0)
    expect(stderr).toContain('default true')
    expect(stderr).not.toContain('sluice  attached')
  })

  it('does not claim to be attached to a dialect that it does not support', async () => {
    const env = { APP_DIALECT: 'other' }
    const [bare, registered] = [await run(SCRIPT, [], env), await run(SCRIPT, REGISTER, env)]
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(countOf(registered.stderr, '[SLUICE_UNSUPPORTED_CLIENT]')).toBe(1)
    expect(registered.stderr).not.toContain('sluice  attached')
  })

  it('lets an app start without Sluice if a setting is wrong, with one warning', async () => {
    const [bare, registered] = [await run(SCRIPT, []), await run(SCRIPT, REGISTER, { SLUICE_CACHE: 'yes' })]
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(countOf(registered.stderr, '[SLUICE_REGISTER]')).toBe(1)
  })

  it('optimizes an app', async () => {
    const [bare, optimized] = [await run(APP, []), await run(APP, REGISTER, { SLUICE_MODE: 'optimize' })]
    expect(optimized).toMatchObject({ code: 0, stdout: bare.stdout })
    expect([statementsOf(bare).at(-1), statementsOf(optimized).at(-1)]).toEqual(OPTIMIZED.kysely)
  })
})

/** The statements of each request. */
function statementsOf({ stderr }: Run): number[] {
  return [...stderr.matchAll(/^request \d (\d+)$/gm)].map(([, statements]) => Number(statements))
}
