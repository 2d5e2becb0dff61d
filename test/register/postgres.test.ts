import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { countOf, loopIn, REGISTER, run } from './run-app.ts'

const SCHEMA = `
  CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE book (id integer PRIMARY KEY, title text NOT NULL, author_id integer NOT NULL REFERENCES author);
  INSERT INTO author SELECT n, 'author ' || n FROM generate_series(1, 20) n;
  INSERT INTO book SELECT n, 'book ' || n, (n - 1) % 20 + 1 FROM generate_series(1, 40) n;
`

const [postgres] = databases().filter(({ dialect }) => dialect === 'postgresql')

interface Program {
  readonly name: string
  readonly attached: string
  readonly env?: Readonly<Record<string, string>>
  readonly findings: number
  /** The comments of the lines with loops. */
  readonly loops: readonly string[]
  readonly requests?: readonly string[]
  readonly fixes: readonly string[]
}

function programOf(name: string): string {
  return join(import.meta.dirname, 'programs', `${name}.main.ts`)
}

describe.skipIf(postgres?.skipped !== undefined)('sluice/register with PostgreSQL', () => {
  let database: Database
  beforeAll(async () => {
    database = (await postgres?.connect()) as Database
    await database.exec(SCHEMA)
  })
  afterAll(() => database?.drop())

  const envOf = (env: Readonly<Record<string, string>>) => ({ DATABASE_URL: database.url, ...env })

  it.each<Program>([
    {
      name: 'postgres-pool',
      attached: 'pg.Pool',
      findings: 3,
      loops: ['the loop', "the client's loop"],
      fixes: [
        "pool.query('SELECT * FROM author WHERE id = ANY($1)', [keys])",
        "pool.query('SELECT name, id FROM author WHERE id = ANY($1)', [keys])",
      ],
    },
    {
      name: 'drizzle',
      attached: 'pg.Pool',
      findings: 2,
      loops: ['the loop'],
      fixes: ['db.select({ id: author.id, name: author.name }).from(author).where(inArray(author.id, keys))'],
    },
    {
      name: 'typeorm',
      attached: 'pg.Pool (TypeORM)',
      findings: 3,
      loops: ['the loop', 'the loop of books'],
      fixes: [
        'dataSource.getRepository(Author).find({ where: { id: In(keys) } })   or relations: { author: true } in the query of Book',
      ],
    },
    {
      name: 'typeorm',
      attached: 'pg.Pool (TypeORM)',
      env: { APP_TYPEORM: 'typeorm03' },
      findings: 3,
      loops: ['the loop', 'the loop of books'],
      fixes: [
        'dataSource.getRepository(Author).find({ where: { id: In(keys) } })   or relations: { author: true } in the query of Book',
      ],
    },
    {
      name: 'sequelize',
      attached: 'pg.Client (Sequelize)',
      findings: 3,
      loops: ['the loop', 'the loop of books'],
      fixes: [
        "Author.findAll({ where: { id: keys } })   or include: 'author' in the query of Book",
        "Book.findAll({ where: { authorId: keys } })   or include: 'books' in the query of Author",
      ],
    },
    {
      name: 'mikro-orm',
      attached: 'MikroORM (postgresql)',
      findings: 3,
      loops: ['the loop', 'the loop of books'],
      fixes: [
        "em.find(Author, { id: { $in: keys } })   or populate: ['author'] in the query of Book",
        "em.find(Book, { author: { $in: keys } })   or populate: ['books'] in the query of Author",
      ],
    },
    ...['import', 'require'].map((build) => ({
      name: 'postgres-js',
      attached: 'postgres',
      env: { APP_BUILD: build, APP_FILE: join(import.meta.dirname, 'programs/postgres-js.sql') },
      findings: 5,
      loops: ['the loop', 'together', 'the helper'],
      requests: ['GET /author   20 queries', 'GET /book   20 queries'],
      fixes: [`sql\`SELECT id, name FROM author WHERE id IN \${sql(keys)}\``],
    })),
    {
      name: 'drizzle-postgres-js',
      attached: 'postgres',
      findings: 2,
      loops: ['the loop'],
      fixes: ['db.select({ id: author.id, name: author.name }).from(author).where(inArray(author.id, keys))'],
    },
  ])('finds what $name repeats ($env), and changes no result', async (program) => {
    const { name, attached, env = {}, findings, loops, requests = [], fixes } = program
    const app = programOf(name)
    const [bare, registered] = [await run(app, [], envOf(env)), await run(app, REGISTER, envOf(env))]
    expect(bare).toMatchObject({ code: 0, stderr: '' })
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain(`sluice  attached ${attached} · mode observe`)
    expect(countOf(registered.stderr, 'N+1')).toBe(findings)
    for (const request of requests) expect(registered.stderr).toContain(`N+1  ${request} → `)
    for (const loop of loops)
      expect(registered.stderr).toMatch(new RegExp(`at +programs/${name}\\.main\\.ts:${loopIn(app, loop)}:`))
    for (const fix of fixes) expect(registered.stderr).toContain(`fix  ${fix}\n`)
  })

  it('batches the reads of pools in optimize, also through Drizzle, and changes no response', async () => {
    const app = programOf('server')
    // The catalog is read after the first request, which takes longer on a busy machine.
    const env = envOf({ APP_REQUESTS: '8' })
    const bare = await run(app, [], env)
    const optimized = await run(app, REGISTER, { SLUICE_MODE: 'optimize', ...env })
    expect(optimized).toMatchObject({ code: 0, stdout: bare.stdout })
    const sent = (text: string) =>
      [...text.matchAll(/^statements (\d+)$/gm)].map(([, count]) => Number(count))
    expect(sent(bare.stderr).at(-1)).toBe(43)
    // Two batches, and the transaction.
    expect(sent(optimized.stderr).at(-1)).toBe(5)
  })

  it.each(['typeorm', 'typeorm03', 'sequelize', 'mikro-orm'])(
    'batches the reads of %s in optimize, and changes no response',
    async (orm) => {
      await database.exec("UPDATE author SET name = 'author ' || id")
      const app = programOf('orm-server')
      const env = envOf({ APP_ORM: orm, APP_REQUESTS: '8' })
      const bare = await run(app, [], env)
      const optimized = await run(app, REGISTER, { SLUICE_MODE: 'optimize', ...env })
      expect(bare).toMatchObject({ code: 0, stdout: expect.stringContaining('author 20') })
      expect(optimized).toMatchObject({ code: 0, stdout: bare.stdout })
      const sent = (text: string) =>
        Number([...text.matchAll(/^statements (\d+)$/gm)].map(([, count]) => count).at(-1))
      expect(sent(bare.stderr)).toBe(91)
      expect(sent(optimized.stderr)).toBeLessThan(45)
      const inSession = { ...env, APP_SESSION: 'yes', APP_REQUESTS: '3' }
      const [own, lazy] = [
        await run(app, [], inSession),
        await run(app, REGISTER, { SLUICE_MODE: 'optimize', ...inSession }),
      ]
      expect(own.stdout).toContain('"red"')
      expect(lazy.stdout).toBe(own.stdout)
    },
  )

  it.each(['1', '3'])(
    'returns what clients of one database write, each as the others (seed %s)',
    async (seed) => {
      const app = programOf('mixed')
      const bare = await run(app, [], envOf({ APP_SEED: seed }))
      expect(bare).toMatchObject({ code: 0, stdout: expect.stringMatching(/name \d/) })
      for (const [cache, used] of [
        ['off', 'batched true, cached false'],
        ['60', 'batched true, cached true'],
      ] as const) {
        const env = { APP_SEED: seed, SLUICE_MODE: 'optimize', SLUICE_CACHE: cache }
        const optimized = await run(app, REGISTER, envOf(env))
        expect(optimized).toMatchObject({ code: 0, stdout: bare.stdout })
        expect(optimized.stderr).toContain(used)
      }
    },
  )

  it('gives way to a pool that the app passes to withSluice', async () => {
    const own = await run(programOf('server'), REGISTER, envOf({ APP_SLUICE: 'own' }))
    expect(own.stderr).toContain('sluice  attached Drizzle (withSluice) · mode observe')
    // One of each Sluice.
    expect(countOf(own.stderr, 'N+1')).toBe(2)
    expect(own.stderr).toContain('own 60 statements')
  })
})
