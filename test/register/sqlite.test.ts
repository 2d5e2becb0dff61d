import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { knexClients } from '../services/knex-clients.ts'
import { newerNode } from '../services/newer-node.ts'
import { type Database, databases } from '../support/databases.ts'
import { countOf, loopIn, REGISTER, run } from './run-app.ts'
import { programOf, runOptimized } from './run-program.ts'

const sqlite3 = knexClients('sqlite').find(({ client }) => client === 'sqlite3')

const FIX =
  "fix  db.prepare('SELECT id, name FROM author WHERE id IN (SELECT value FROM json_each(?))').all(JSON.stringify(keys))"

it('finds what a program on better-sqlite3 repeats, and changes no result', async () => {
  const app = programOf('better-sqlite3')
  const [bare, registered] = [await run(app, []), await run(app, REGISTER)]
  expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('author 20') })
  expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
  expect(registered.stderr).toContain('sluice  attached better-sqlite3 · mode observe')
  expect(countOf(registered.stderr, 'N+1')).toBe(2)
  for (const loop of ['the loop', 'the bound loop'])
    expect(registered.stderr).toMatch(
      new RegExp(`at +programs/better-sqlite3\\.main\\.ts:${loopIn(app, loop)}:`),
    )
  expect(registered.stderr).toContain(FIX)
})

describe.skipIf(sqlite3?.skipped !== undefined)('sqlite3', () => {
  const app = programOf('sqlite3')

  it.each(['no', 'yes'])(
    'finds what a program repeats, and changes no result (verbose: %s)',
    async (verbose) => {
      const env = { APP_VERBOSE: verbose }
      const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
      expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('uncaught') })
      expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
      expect(registered.stderr).toContain('sqlite3 · mode observe')
      expect(countOf(registered.stderr, 'N+1')).toBe(4)
      for (const loop of ['the loop', 'the prepared loop', 'the loop of names'])
        expect(registered.stderr).toMatch(
          new RegExp(`at +programs/sqlite3\\.main\\.ts:${loopIn(app, loop)}:`),
        )
      expect(registered.stderr).toContain(
        "fix  db.all('SELECT id, name FROM author WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(keys), callback)\n",
      )
    },
  )

  it('changes no result in optimize', async () => {
    await runOptimized('sqlite3', { SLUICE_CACHE: '60' })
  })
})

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
      expect(registered.stderr).toContain(FIX)
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

const ON_SQLITE3 = [
  { orm: 'knex', driver: 'sqlite3', attached: 'Knex (sqlite3)', fix: "db('author').whereIn('id', keys)" },
  {
    orm: 'typeorm',
    driver: 'sqlite3',
    attached: 'sqlite3 (TypeORM)',
    fix: 'dataSource.getRepository(Author).find({ where: { id: In(keys) } })',
  },
  {
    orm: 'sequelize',
    driver: 'sqlite3',
    attached: 'sqlite3 (Sequelize)',
    fix: 'Author.findAll({ where: { id: keys } })',
  },
]

describe('an ORM on a driver of SQLite', () => {
  let database: Database
  beforeAll(async () => {
    const [sqlite] = databases().filter(({ dialect }) => dialect === 'sqlite')
    database = (await sqlite?.connect()) as Database
    await database.exec(SCHEMA)
    await database.exec(readFileSync(join(import.meta.dirname, '../generated/sqlite/schema.sql'), 'utf8'))
    await database.exec(PRISMA_ROWS)
  })
  afterAll(() => database?.drop())

  const typeorm = {
    name: 'typeorm',
    env: { APP_TYPEORM: 'typeorm' },
    attached: 'better-sqlite3 (TypeORM)',
    findings: 3,
    loops: ['the loop', 'the loop of books'],
    fix: 'dataSource.getRepository(Author).find({ where: { id: In(keys) } })   or relations: { author: true } in the query of Book',
  }
  it.each([
    {
      name: 'drizzle-sqlite',
      env: {},
      attached: 'better-sqlite3 (Drizzle)',
      findings: 2,
      // The driver runs a query that is awaited in a microtask, without the frames of the app.
      loops: ['the synchronous loop'],
      fix: 'db.select({ id: author.id, name: author.name }).from(author).where(inArray(author.id, keys))',
    },
    typeorm,
    { ...typeorm, env: { APP_TYPEORM: 'typeorm03' } },
  ])('finds what $name repeats ($env), and changes no result', async (program) => {
    const { name, attached, env: own, findings, loops, fix } = program
    const app = programOf(name)
    const env = { DATABASE_FILE: database.filename ?? '', ...own }
    const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
    expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('author 20') })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain(attached)
    expect(countOf(registered.stderr, 'N+1')).toBe(findings)
    for (const loop of loops)
      expect(registered.stderr).toMatch(new RegExp(`at +programs/${name}\\.main\\.ts:${loopIn(app, loop)}:`))
    expect(registered.stderr).toContain(`fix  ${fix}\n`)
  })

  it.each([
    {
      orm: 'knex',
      driver: '',
      attached: 'Knex (better-sqlite3)',
      fix: "db('author').whereIn('id', keys)",
    },
    {
      orm: 'kysely',
      driver: '',
      attached: 'Kysely (sqlite)',
      fix: "db.selectFrom('author').selectAll().where('id', 'in', keys).execute()",
    },
    {
      orm: 'prisma',
      driver: '',
      attached: 'Prisma',
      fix: 'prisma.author.findMany({ where: { id: { in: keys } } })',
    },
    ...(sqlite3?.skipped === undefined ? ON_SQLITE3 : []),
  ])('counts each statement of $orm once ($attached)', async ({ orm, driver, attached, fix }) => {
    const app = programOf('orms-on-sqlite')
    const env = {
      APP_ORM: orm,
      DATABASE_FILE: database.filename ?? '',
      ...(driver !== '' && { APP_DRIVER: driver }),
    }
    const [bare, registered] = [await run(app, [], env), await run(app, REGISTER, env)]
    expect(bare).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('author 20') })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain(`sluice  attached ${attached} · mode`)
    expect(countOf(registered.stderr, '▲')).toBe(1)
    expect(registered.stderr).toMatch(/▲ N\+1 .+\n {2}20× /)
    // Sequelize sends it in a callback, without the frames of the app.
    if (orm !== 'sequelize')
      expect(registered.stderr).toContain(`orms-on-sqlite.main.ts:${loopIn(app, `the loop of ${orm}`)}:`)
    expect(registered.stderr).toContain(`fix  ${fix}\n`)
  })
})
