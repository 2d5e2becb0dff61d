import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, databases } from '../support/databases.ts'
import { OPTIMIZED } from './cases/case.ts'
import { MYSQL_CASES } from './cases/mysql.ts'
import { REGISTER, run, statementsOf } from './run-app.ts'
import {
  expectBatched,
  expectFound,
  expectRelationsBatched,
  expectSameMixed,
  programOf,
  runOptimized,
} from './run-program.ts'

const SCHEMA = `
  CREATE TABLE author (id integer PRIMARY KEY, name varchar(50) NOT NULL);
  CREATE TABLE book (id integer PRIMARY KEY, title varchar(50) NOT NULL, author_id integer NOT NULL REFERENCES author (id));
  INSERT INTO author SELECT seq, concat('author ', seq) FROM seq_1_to_20;
  INSERT INTO book SELECT seq, concat('book ', seq), (seq - 1) % 20 + 1 FROM seq_1_to_40;
`

const mariadb = databases().find(({ dialect }) => dialect === 'mysql')

describe.skipIf(mariadb?.skipped !== undefined)('sluice/register with MariaDB', () => {
  let database: Database
  beforeAll(async () => {
    database = (await mariadb?.connect()) as Database
    await database.exec(SCHEMA)
  })
  afterAll(() => database?.drop())

  const envOf = (env: Readonly<Record<string, string>>) => ({ DATABASE_URL: database.url, ...env })

  it.each(MYSQL_CASES)('finds what $name repeats ($env), and changes no result', (program) =>
    expectFound(program, envOf(program.env ?? {})),
  )

  it('batches the reads of pools in optimize, also through Drizzle, and changes no response', async () => {
    // The catalog is read after the first request, which takes longer on a busy machine.
    const { bare, optimized } = await runOptimized('mysql2-server', envOf({ APP_REQUESTS: '8' }))
    expect([statementsOf(bare).at(-1), statementsOf(optimized).at(-1)]).toEqual(OPTIMIZED.mysql2)
  })

  it.each([
    ['typeorm', OPTIMIZED.typeorm],
    ['typeorm03', OPTIMIZED.typeorm],
    ['sequelize', OPTIMIZED.sequelizeOnMysql2],
  ] as const)('batches the reads of %s in optimize, and changes no response', async (orm, statements) => {
    await database.exec("UPDATE author SET name = CONCAT('author ', id)")
    await expectBatched(orm, envOf({}), statements)
  })

  it.each(['typeorm', 'typeorm03'])('batches findOne of %s with relations', (name) =>
    expectRelationsBatched(envOf({ APP_TYPEORM: name })),
  )

  it.each(['1', '2'])('returns what clients of one database write, each as the others (seed %s)', (seed) =>
    expectSameMixed(envOf({ APP_SEED: seed })),
  )

  it('counts a statement once if an adapter is above the driver', async () => {
    await database.exec("UPDATE author SET name = CONCAT('author ', id)")
    const app = programOf('mysql2-adapted')
    const [bare, registered] = [await run(app, [], envOf({})), await run(app, REGISTER, envOf({}))]
    expect(registered).toMatchObject({ code: 0, stdout: bare.stdout })
    expect(registered.stderr).toContain('sluice  attached Knex (mysql2), Kysely (mysql) · mode observe')
    expect(registered.stderr).toContain('counted 9\n')
  })

  it('changes no result of mysql2 in optimize', async () => {
    await runOptimized('mysql2', envOf({ SLUICE_CACHE: '60' }))
  })
})
