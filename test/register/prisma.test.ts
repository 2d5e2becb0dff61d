import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { countOf, loopIn, REGISTER, run, statementsOf } from './run-app.ts'

const APP = join(import.meta.dirname, 'programs/prisma.main.ts')
const SCHEMA = join(import.meta.dirname, '../generated/postgresql/schema.sql')

const [postgres] = databases().filter(({ dialect }) => dialect === 'postgresql')

describe.skipIf(postgres?.skipped !== undefined)('sluice/register with Prisma', () => {
  let database: Database
  beforeAll(async () => {
    database = (await postgres?.connect()) as Database
    await database.exec(readFileSync(SCHEMA, 'utf8'))
    await database.exec(
      "INSERT INTO authors (email, full_name) SELECT 'a' || n || '@x.y', 'author ' || n FROM generate_series(1, 20) n",
    )
  })
  afterAll(() => database?.drop())

  const runApp = (flags: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run(APP, flags, { DATABASE_URL: database.url, ...env })

  it('finds an N+1 of a subclass with an extension, and changes no result', async () => {
    const [bare, registered] = [await runApp([]), await runApp(REGISTER)]
    expect(bare).toMatchObject({ code: 0, stdout: expect.stringContaining('AUTHOR 20') })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain('sluice  attached Prisma · mode observe')
    expect(countOf(registered.stderr, 'N+1')).toBe(1)
    expect(registered.stderr).toMatch(new RegExp(`at +programs/prisma\\.main\\.ts:${loopIn(APP)}:`))
    expect(registered.stderr).toContain('fix  prisma.author.findMany({ where: { id: { in: keys } } })')
    expect(statementsOf(registered)).toEqual(statementsOf(bare))
  })

  it('caches what the extension of the app reads, if it is asked to', async () => {
    // The catalog is read after the first request, which takes longer on a busy machine.
    const env = { APP_REQUESTS: '8' }
    const bare = await runApp([], env)
    const cached = await runApp(REGISTER, { SLUICE_MODE: 'optimize', SLUICE_CACHE: '60', ...env })
    expect(cached).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(statementsOf(bare).at(-1)).toBe(22)
    expect(statementsOf(cached).at(-1)).toBeLessThan(3)
  })

  it('gives way to the Sluice of the app', async () => {
    const own = await runApp(REGISTER, { APP_SLUICE: 'own' })
    expect(own).toMatchObject({ code: 0, stdout: expect.stringContaining('AUTHOR 20') })
    expect(own.stderr).toContain('sluice  attached Prisma (withSluice) · ')
    expect(own.stderr).not.toContain('Warning')
    expect(own.stderr).toContain('own true')
  })
})
