import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { knexClients } from '../services/knex-clients.ts'
import { newerNode } from '../services/newer-node.ts'
import { type Database, databases } from '../support/databases.ts'
import { NODE_SQLITE, SQLITE_CASES, SQLITE3_CASES } from './cases/sqlite.ts'
import { countOf, loopIn, REGISTER, run } from './run-app.ts'
import { expectFound, programOf, runOptimized } from './run-program.ts'

const sqlite3 = knexClients('sqlite').find(({ client }) => client === 'sqlite3')

const node = newerNode()

describe.skipIf('skipped' in node)(`node:sqlite${'skipped' in node ? `: ${node.skipped}` : ''}`, () => {
  const app = programOf('node-sqlite')

  it.each(['import', 'require', 'builtin'])(
    'finds what a program repeats that loads it with %s, and changes no result',
    async (load) => {
      const runIt = (flags: readonly string[]) =>
        run(app, flags, { APP_LOADS: load, NODE_NO_WARNINGS: '1' }, 'path' in node ? { node: node.path } : {})
      const [bare, registered] = [await runIt([]), await runIt(REGISTER)]
      expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('author 20') })
      // It is not loaded before the program loads it.
      expect(bare.stdout).toContain('loaded false')
      expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
      expect(registered.stderr).toContain('sluice  attached node:sqlite · mode observe')
      for (const fix of NODE_SQLITE.fixes) expect(registered.stderr).toContain(`fix  ${fix}\n`)
      const loops = ['the loop', ...(bare.stdout.includes('tagged') ? ['the loop of the store'] : [])]
      expect(countOf(registered.stderr, 'N+1')).toBe(loops.length)
      for (const loop of loops)
        expect(registered.stderr).toMatch(
          new RegExp(`programs/node-sqlite\\.main\\.ts:${loopIn(app, loop)}:`),
        )
    },
  )
})

it.skipIf(isBuiltin('node:sqlite'))('changes no error of a Node without node:sqlite', async () => {
  for (const load of ['import', 'require', 'builtin']) {
    const { code, stderr } = await run(programOf('node-sqlite'), REGISTER, { APP_LOADS: load })
    expect({ code, warns: stderr.includes('SLUICE_REGISTER') }).toEqual({ code: 1, warns: false })
  }
})

const SCHEMA = `
  CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE book (id integer PRIMARY KEY, title text NOT NULL, author_id integer NOT NULL REFERENCES author);
  WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 20)
  INSERT INTO author SELECT n, 'author ' || n FROM counted;
  INSERT INTO book SELECT id, 'book ' || id, id FROM author;
`
const PRISMA_ROWS =
  "INSERT INTO authors (email, full_name) VALUES ('a1@x.y', 'author 1')" +
  Array.from({ length: 19 }, (_, at) => `, ('a${at + 2}@x.y', 'author ${at + 2}')`).join('')

describe('sluice/register with SQLite', () => {
  let database: Database
  beforeAll(async () => {
    const [sqlite] = databases().filter(({ dialect }) => dialect === 'sqlite')
    database = (await sqlite?.connect()) as Database
    await database.exec(SCHEMA)
    await database.exec(readFileSync(join(import.meta.dirname, '../generated/sqlite/schema.sql'), 'utf8'))
    await database.exec(PRISMA_ROWS)
  })
  afterAll(() => database?.drop())

  const envOf = (env: Readonly<Record<string, string>>) => ({
    DATABASE_FILE: database.filename ?? '',
    ...env,
  })

  it.each(SQLITE_CASES)('finds what $name repeats ($env), and changes no result', (program) =>
    expectFound(program, envOf(program.env ?? {})),
  )

  it.each(['typeorm', 'typeorm03'])('finds the lines of calls that are not awaited (%s)', async (orm) => {
    const app = programOf('typeorm-server')
    const env = envOf({ APP_TYPEORM: orm })
    const [bare, { stdout, stderr }] = [await run(app, [], env), await run(app, REGISTER, env)]
    expect(stdout).toBe(bare.stdout)
    const lines = [...stderr.matchAll(/^ {2}at {3}programs\/typeorm-server\.main\.ts:(\d+):/gm)]
    expect(lines.map(([, line]) => Number(line))).toEqual([
      loopIn(app, 'the loop'),
      loopIn(app, 'those at the same time'),
    ])
    expect(countOf(stderr, 'N+1')).toBe(2)
  })

  describe.skipIf(sqlite3?.skipped !== undefined)('sqlite3', () => {
    it.each(SQLITE3_CASES)('finds what $name repeats ($env), and changes no result', (program) =>
      expectFound(program, envOf(program.env ?? {})),
    )

    it('changes no result in optimize', async () => {
      await runOptimized('sqlite3', { SLUICE_CACHE: '60' })
    })
  })
})
