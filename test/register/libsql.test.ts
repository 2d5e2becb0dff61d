import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { countOf, loopIn, REGISTER, run } from './run-app.ts'
import { programOf } from './run-program.ts'

const SCHEMA = `
  CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
  WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 20)
  INSERT INTO author SELECT n, 'author ' || n FROM counted;
`

describe('the seam of @libsql/client', () => {
  let database: Database
  beforeAll(async () => {
    const [sqlite] = databases().filter(({ dialect }) => dialect === 'sqlite')
    database = (await sqlite?.connect()) as Database
    await database.exec(SCHEMA)
  })
  afterAll(() => database?.drop())

  it.each([
    { load: 'import', on: 'memory' },
    { load: 'import', on: 'a file' },
    { load: 'require', on: 'a file' },
  ])('finds what a program repeats that loads it with $load, on $on', async ({ load, on }) => {
    const app = programOf('libsql')
    const { filename = '' } = database
    const env = { APP_LOADS: load, ...(on === 'a file' && { DATABASE_FILE: filename }) }
    const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
    expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('author 20') })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain('sluice  attached @libsql/client · mode observe')
    // Each statement of a batch and of a transaction counts, BEGIN and COMMIT of a batch do not.
    expect(registered.stderr).toMatch(/ {3}90 queries /)
    expect(countOf(registered.stderr, '▲ N+1')).toBe(2)
    for (const loop of ['the loop', 'the loop at the same time'])
      expect(registered.stderr).toMatch(new RegExp(`at +programs/libsql\\.main\\.ts:${loopIn(app, loop)}:`))
    expect(registered.stderr).toContain(
      "fix  client.execute('SELECT id, name FROM writer WHERE id IN (SELECT value FROM json_each(?))', [JSON.stringify(keys)])\n",
    )
  })

  it('finds what Drizzle repeats, with the call site of an awaited query', async () => {
    const app = programOf('drizzle-libsql')
    const env = { DATABASE_FILE: database.filename ?? '' }
    const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
    expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('author 20') })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain('sluice  attached @libsql/client (Drizzle) · mode observe')
    expect(countOf(registered.stderr, '▲')).toBe(1)
    expect(registered.stderr).toContain(`programs/drizzle-libsql.main.ts:${loopIn(app)}:`)
    expect(registered.stderr).toContain('.where(inArray(author.id, keys))\n')
  })
})
