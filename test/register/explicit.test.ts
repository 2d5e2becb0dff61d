import { createSluice, type Finding, type Sluice, SluiceError, type SluiceOptions } from '@sluice/core'
import { withSluice as withMikroOrm } from 'sluice/mikro-orm'
import { withSluice as withSequelize } from 'sluice/sequelize'
import { withSluice as withTypeorm } from 'sluice/typeorm'
import { DataSource, EntitySchema } from 'typeorm'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { OPTIMIZED, type Optimized } from './cases/case.ts'
import { countOf, loopIn, REGISTER, run, statementsOf } from './run-app.ts'
import { expectBatched, programOf } from './run-program.ts'

interface Explicit {
  readonly orm: string
  readonly env?: Readonly<Record<string, string>>
  /** The client and the mode in the line that Sluice prints with `sluice/register`. */
  readonly attached: string
  readonly fix: string
  /** `undefined`: Sluice only observes. */
  readonly statements?: Optimized
}

const TYPEORM = {
  attached: 'TypeORM (withSluice) · mode observe',
  fix: 'dataSource.getRepository(Author).find({ where: { id: In(keys) } })',
}
const SEQUELIZE = {
  attached: 'Sequelize (withSluice) · mode observe',
  fix: 'author.findAll({ where: { id: keys } })',
}
const MIKRO_ORM = {
  attached: 'MikroORM (withSluice) · mode observe',
  fix: 'em.find(Author, { id: { $in: keys } })',
}

const ON_POSTGRES: readonly Explicit[] = [
  { orm: 'typeorm', ...TYPEORM, statements: OPTIMIZED.typeorm },
  { orm: 'typeorm03', ...TYPEORM, statements: OPTIMIZED.typeorm },
  { orm: 'sequelize', ...SEQUELIZE, statements: OPTIMIZED.sequelizeOnPg },
  { orm: 'mikro-orm', ...MIKRO_ORM, statements: OPTIMIZED.mikroOrm },
  {
    orm: 'mikro-orm',
    ...MIKRO_ORM,
    // Its instance of Knex exists before the app can pass the ORM to `withSluice`, which releases it.
    attached: 'MikroORM (pg) · mode optimize',
    env: { APP_MIKRO_ORM: 'mikro-orm6', MIKRO_ORM_ALLOW_VERSION_MISMATCH: '1' },
  },
]
const ON_MARIADB: readonly Explicit[] = [
  { orm: 'typeorm', ...TYPEORM, statements: OPTIMIZED.typeorm },
  { orm: 'typeorm03', ...TYPEORM, statements: OPTIMIZED.typeorm },
  { orm: 'sequelize', ...SEQUELIZE, statements: OPTIMIZED.sequelizeOnMysql2 },
]

const TABLES = {
  postgresql: `
    CREATE TABLE author (id integer PRIMARY KEY, name text NOT NULL);
    CREATE TABLE book (id integer PRIMARY KEY, title text NOT NULL, author_id integer NOT NULL REFERENCES author);
    INSERT INTO author SELECT n, 'author ' || n FROM generate_series(1, 20) n;
    INSERT INTO book SELECT n, 'book ' || n, (n - 1) % 20 + 1 FROM generate_series(1, 40) n;
  `,
  mysql: `
    CREATE TABLE author (id integer PRIMARY KEY, name varchar(50) NOT NULL);
    CREATE TABLE book (id integer PRIMARY KEY, title varchar(50) NOT NULL, author_id integer NOT NULL REFERENCES author (id));
    INSERT INTO author SELECT seq, concat('author ', seq) FROM seq_1_to_20;
    INSERT INTO book SELECT seq, concat('book ', seq), (seq - 1) % 20 + 1 FROM seq_1_to_40;
  `,
}

describe.each([
  { dialect: 'postgresql', orms: ON_POSTGRES },
  { dialect: 'mysql', orms: ON_MARIADB },
] as const)('withSluice of an ORM on $dialect', ({ dialect, orms }) => {
  const kind = databases().find((one) => one.dialect === dialect)

  describe.skipIf(kind?.skipped !== undefined)('with a server', () => {
    let database: Database
    beforeAll(async () => {
      database = (await kind?.connect()) as Database
      await database.exec(TABLES[dialect])
    })
    afterAll(() => database?.drop())

    const app = programOf('orm-server')
    const envOf = ({ orm, env }: Explicit) => ({ DATABASE_URL: database.url, APP_ORM: orm, ...env })

    it.each(orms)('finds what $orm repeats ($env), also with sluice/register', async (explicit) => {
      const env = { ...envOf(explicit), APP_REQUESTS: '2' }
      const bare = await run(app, [], env)
      const own = { ...env, APP_SLUICE: 'observe' }
      const attached = await run(app, [], own)
      const registered = await run(app, REGISTER, { ...own, SLUICE_MODE: 'optimize' })
      for (const { code, stdout, stderr } of [attached, registered]) {
        expect({ code, stdout }).toEqual({ code: 0, stdout: bare.stdout })
        // Two loops, and two lists of lookups at the same time: those by key are one query of the first loop.
        expect(countOf(stderr, '▲ N+1')).toBe(3)
        expect(stderr).toMatch(new RegExp(`at +programs/orm-server\\.main\\.ts:${loopIn(app)}:`))
        expect(stderr).toContain(`fix  ${explicit.fix}\n`)
        expect(stderr).not.toContain('Warning')
      }
      expect(registered.stderr).toContain(`sluice  attached ${explicit.attached}`)
      expect(statementsOf(registered)).toEqual(statementsOf(bare))
    })

    it.each(orms.flatMap(({ orm, statements }) => (statements === undefined ? [] : [{ orm, statements }])))(
      'batches the reads of $orm in optimize, and changes no response',
      async ({ orm, statements }) =>
        expectBatched(orm, { DATABASE_URL: database.url }, statements, {
          flags: [],
          env: { APP_SLUICE: 'optimize' },
        }),
    )
  })
})

describe('a data source of TypeORM', () => {
  const Author = new EntitySchema<{ id: number; name: string }>({
    name: 'Author',
    tableName: 'author',
    columns: { id: { type: Number, primary: true }, name: { type: 'text' } },
  })

  function started(options?: SluiceOptions): { sluice: Sluice; findings: Finding[]; warnings: string[] } {
    const warnings: string[] = []
    const warn = (_: object, message: string) => warnings.push(message)
    const logger = { warn, info() {}, error() {}, debug() {} }
    const sluice = createSluice({ ...options, logger })
    onTestFinished(() => sluice.close())
    const findings: Finding[] = []
    sluice.on('finding', (finding) => findings.push(finding))
    return { sluice, findings, warnings }
  }

  const sqlite = () =>
    new DataSource({ type: 'better-sqlite3', database: ':memory:', entities: [Author], synchronize: true })

  async function readEach(source: DataSource, sluice: Sluice): Promise<void> {
    const authors = source.getRepository(Author)
    const ids = [1, 2, 3, 4, 5, 6]
    await authors.save(ids.map((id) => ({ id, name: `author ${id}` })))
    await sluice.run(async () => {
      for (const id of ids) expect((await authors.findOneBy({ id }))?.name).toBe(`author ${id}`)
    })
  }

  it('is observed on better-sqlite3, before and after it is initialized', async () => {
    for (const isBefore of [true, false]) {
      const { sluice, findings } = started()
      const source = sqlite()
      if (isBefore) withTypeorm(source, sluice)
      await source.initialize()
      if (!isBefore) withTypeorm(source, sluice)
      await readEach(source, sluice)
      expect(findings).toMatchObject([{ fix: TYPEORM.fix, callSite: { file: import.meta.filename } }])
      await source.destroy()
    }
  })

  it('is observed again when it is initialized again', async () => {
    const { sluice, findings } = started()
    const source = withTypeorm(sqlite(), sluice)
    for (let round = 1; round < 3; round += 1) {
      await source.initialize()
      await readEach(source, sluice)
      expect(findings).toHaveLength(round)
      await source.destroy()
    }
  })

  it('keeps its Sluice until that is closed', async () => {
    const [first, second] = [started(), started()]
    const source = withTypeorm(sqlite(), first.sluice)
    await source.initialize()
    expect(withTypeorm(source, first.sluice)).toBe(source)
    withTypeorm(source, second.sluice)
    expect(first.warnings).toEqual([])
    expect(second.warnings).toEqual([expect.stringContaining('already uses another Sluice')])
    await readEach(source, first.sluice)
    expect([first.findings.length, second.findings.length]).toEqual([1, 0])
    await first.sluice.close()
    expect(await source.getRepository(Author).count()).toBe(6)
    withTypeorm(source, second.sluice)
    await readEach(source, second.sluice)
    expect([first.findings.length, second.findings.length]).toEqual([1, 1])
    await source.destroy()
  })

  it('stays unchanged with a driver that Sluice does not know', () => {
    const { sluice, warnings } = started()
    const source = new DataSource({ type: 'cockroachdb', timeTravelQueries: false })
    const { connect } = source.driver
    expect(withTypeorm(source, sluice).driver.connect).toBe(connect)
    expect(warnings).toEqual([expect.stringContaining('this data source is of type cockroachdb')])
  })
})

it.each([
  ['TypeORM', withTypeorm],
  ['Sequelize', withSequelize],
  ['MikroORM', withMikroOrm],
] as const)('names the argument that is not one of %s', (orm, withSluice) => {
  for (const wrong of [undefined, null, 1, {}, createSluice()]) {
    const call = () => (withSluice as (client: unknown) => unknown)(wrong)
    expect(call).toThrow(expect.objectContaining({ code: 'SLUICE_INVALID_ARGUMENT' }))
    expect(call).toThrow(SluiceError)
    expect(call).toThrow(orm)
  }
})
