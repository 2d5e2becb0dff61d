import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { countOf, REGISTER, run, statementsOf } from './run-app.ts'
import {
  expectBatched,
  expectFound,
  expectSameMixed,
  type Program,
  programOf,
  runOptimized,
} from './run-program.ts'

const SCHEMA = `
  CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE book (id integer PRIMARY KEY, title text NOT NULL, author_id integer NOT NULL REFERENCES author);
  INSERT INTO author SELECT n, 'author ' || n FROM generate_series(1, 20) n;
  INSERT INTO book SELECT n, 'book ' || n, (n - 1) % 20 + 1 FROM generate_series(1, 40) n;
`

/** It looks for its packages in the working directory, where version 7 is. */
const MIKRO_ORM_6 = { APP_MIKRO_ORM: 'mikro-orm6', MIKRO_ORM_ALLOW_VERSION_MISMATCH: '1' }

const [postgres] = databases().filter(({ dialect }) => dialect === 'postgresql')

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
    ...[{ attached: 'MikroORM (postgresql)' }, { attached: 'MikroORM (pg)', env: MIKRO_ORM_6 }].map(
      (version) => ({
        ...version,
        name: 'mikro-orm',
        findings: 3,
        loops: ['the loop', 'the loop of books'],
        fixes: [
          "em.find(Author, { id: { $in: keys } })   or populate: ['author'] in the query of Book",
          "em.find(Book, { author: { $in: keys } })   or populate: ['books'] in the query of Author",
        ],
      }),
    ),
    {
      name: 'on-knex',
      attached: 'Knex (pg)',
      env: { APP_CLIENT: 'knex2' },
      findings: 2,
      loops: ['the loop of knex2'],
      requests: ['script on-knex.main.ts   50 queries'],
      fixes: ["db('author').whereIn('id', keys)"],
    },
    {
      name: 'on-knex',
      attached: 'Knex (pg)',
      env: { APP_CLIENT: 'objection' },
      findings: 2,
      loops: ['the loop of objection'],
      requests: ['script on-knex.main.ts   51 queries'],
      fixes: ["db('author').whereIn('author.id', keys).select('author.*')"],
    },
    {
      name: 'on-knex',
      attached: 'Knex (pg)',
      env: { APP_CLIENT: 'bookshelf' },
      findings: 2,
      loops: ['the loop of bookshelf'],
      requests: ['script on-knex.main.ts   48 queries'],
      fixes: ["db('author').whereIn('author.id', keys).select('author.*')"],
    },
    {
      name: 'pg-promise',
      attached: 'pg.Pool (pg-promise)',
      findings: 4,
      loops: ['the loop', 'the loop of names', 'the loop of the task'],
      requests: ['script pg-promise.main.ts   96 queries'],
      fixes: ["db.any('SELECT id, name FROM author WHERE id = ANY($1)', [keys])"],
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
      name: 'drizzle',
      attached: 'postgres',
      env: { APP_DRIVER: 'postgres' },
      findings: 2,
      loops: ['the loop'],
      fixes: ['db.select({ id: author.id, name: author.name }).from(author).where(inArray(author.id, keys))'],
    },
  ])('finds what $name repeats ($env), and changes no result', async (program: Program) =>
    expectFound(program, envOf(program.env ?? {})),
  )

  it('batches the reads of pools in optimize, also through Drizzle, and changes no response', async () => {
    // The catalog is read after the first request, which takes longer on a busy machine.
    const { bare, optimized } = await runOptimized('server', envOf({ APP_REQUESTS: '8' }))
    expect(statementsOf(bare).at(-1)).toBe(43)
    // Two batches, and the transaction.
    expect(statementsOf(optimized).at(-1)).toBe(5)
  })

  it.each([
    ['mikro-orm', MIKRO_ORM_6],
    ['on-knex', { APP_CLIENT: 'knex2' }],
    ['on-knex', { APP_CLIENT: 'objection' }],
    ['on-knex', { APP_CLIENT: 'bookshelf' }],
    ['pg-promise', {}],
  ])('changes no result of %s in optimize (%j)', async (name, env: Readonly<Record<string, string>>) => {
    await runOptimized(name, envOf({ SLUICE_CACHE: '60', ...env }))
  })

  it.each(['typeorm', 'typeorm03', 'sequelize', 'mikro-orm'])(
    'batches the reads of %s in optimize, and changes no response',
    async (orm) => {
      await database.exec("UPDATE author SET name = 'author ' || id")
      await expectBatched(orm, envOf({}), 91)
    },
  )

  it.each([{ APP_SEED: '1' }, { APP_SEED: '3' }, { APP_SEED: '2', ...MIKRO_ORM_6 }])(
    'returns what clients of one database write, each as the others (%j)',
    (env) => expectSameMixed(envOf(env)),
  )

  it('sends reads unchanged once a client is unseen, which writes what was prefetched', async () => {
    // The program leaves the name that the row has here.
    await database.exec("UPDATE author SET name = 'author ' || id")
    const { optimized } = await runOptimized('unseen-writer', envOf({ SLUICE_CLIENTS: 'knex' }))
    expect(optimized.stdout).toContain('"renamed"')
    // The write is the first statement of the unseen client.
    expect(statementsOf(optimized).slice(-2)).toEqual([2, 13])
    expect(countOf(optimized.stderr, 'it does not see the statements of pg.Client')).toBe(1)
    const { optimized: seen } = await runOptimized('unseen-writer', envOf({}))
    expect(statementsOf(seen).at(-1)).toBeLessThan(8)
  })

  it.each([
    ['sends reads unchanged beside a client of Prisma with an engine of its own', '{}', 21],
    ['sees the statements of a client of Prisma 6 with an adapter', '{"adapter":{}}', 2],
  ])('%s', async (_, options, statements) => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-prisma-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const runtime = join(folder, 'node_modules/@prisma/client/runtime')
    await mkdir(runtime, { recursive: true })
    // Its members are those of version 6.19, of which the engine is no package.
    await writeFile(
      join(runtime, 'library.js'),
      `Object.defineProperty(exports, 'getPrismaClient', { enumerable: true, get: () => create })
      const create = () => class { name = 'PrismaClient' }`,
    )
    const env = envOf({ APP_PRISMA: join(folder, 'app.js'), APP_OPTIONS: options })
    const { optimized } = await runOptimized('unseen-writer', env)
    expect(optimized.stdout).toContain('PrismaClient\n')
    expect(statementsOf(optimized).at(-2)).toBe(statements)
  })

  it('gives way to a pool that the app passes to withSluice', async () => {
    const own = await run(programOf('server'), REGISTER, envOf({ APP_SLUICE: 'own' }))
    expect(own.stderr).toContain('sluice  attached Drizzle (withSluice) · mode observe')
    // One of each Sluice.
    expect(countOf(own.stderr, 'N+1')).toBe(2)
    expect(own.stderr).toContain('own 60 statements')
  })
})
