import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { MIKRO_ORM_6, OPTIMIZED } from './cases/case.ts'
import { POSTGRESQL_CASES } from './cases/postgresql.ts'
import { countOf, REGISTER, run, statementsOf } from './run-app.ts'
import {
  expectBatched,
  expectFound,
  expectRelationsBatched,
  expectSameMixed,
  programOf,
  runOptimized,
} from './run-program.ts'

const SCHEMA = `
  CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
  CREATE TABLE book (id integer PRIMARY KEY, title text NOT NULL, author_id integer NOT NULL REFERENCES author);
  INSERT INTO author SELECT n, 'author ' || n FROM generate_series(1, 20) n;
  INSERT INTO book SELECT n, 'book ' || n, (n - 1) % 20 + 1 FROM generate_series(1, 40) n;
`

const [postgres] = databases().filter(({ dialect }) => dialect === 'postgresql')

describe.skipIf(postgres?.skipped !== undefined)('sluice/register with PostgreSQL', () => {
  let database: Database
  beforeAll(async () => {
    database = (await postgres?.connect()) as Database
    await database.exec(SCHEMA)
  })
  afterAll(() => database?.drop())

  const envOf = (env: Readonly<Record<string, string>>) => ({ DATABASE_URL: database.url, ...env })

  it.each(POSTGRESQL_CASES)('finds what $name repeats ($env), and changes no result', (program) =>
    expectFound(program, envOf(program.env ?? {})),
  )

  it('batches the reads of pools in optimize, also through Drizzle, and changes no response', async () => {
    // The catalog is read after the first request, which takes longer on a busy machine.
    const { bare, optimized } = await runOptimized('server', envOf({ APP_REQUESTS: '8' }))
    expect([statementsOf(bare).at(-1), statementsOf(optimized).at(-1)]).toEqual(OPTIMIZED.pg)
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

  it.each([
    ['typeorm', OPTIMIZED.typeorm],
    ['typeorm03', OPTIMIZED.typeorm],
    ['sequelize', OPTIMIZED.sequelizeOnPg],
    ['mikro-orm', OPTIMIZED.mikroOrm],
  ] as const)('batches the reads of %s in optimize, and changes no response', async (orm, statements) => {
    await database.exec("UPDATE author SET name = 'author ' || id")
    await expectBatched(orm, envOf({}), statements)
  })

  it.each(['typeorm', 'typeorm03'])('batches findOne of %s with relations', (name) =>
    expectRelationsBatched(envOf({ APP_TYPEORM: name })),
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
