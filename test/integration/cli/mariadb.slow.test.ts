import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { schemaProblems } from '../../../packages/cli/test/support/schema-problems.ts'
import { CITIES, writeCityWorkload } from '../../support/city-workload.ts'
import { type Database, databases } from '../../support/databases.ts'
import { type CliProject, cliProject } from '../../support/run-cli.ts'

const USER = 'sluice_cli_reader'

const CATALOGUE = [
  `SELECT TABLE_SCHEMA AS s, TABLE_NAME AS n, TABLE_ROWS AS r FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1, 2`,
  `SELECT TABLE_NAME AS n, INDEX_NAME AS i FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = DATABASE() ORDER BY 1, 2`,
]

const kind = databases().find(({ dialect }) => dialect === 'mysql')

describe.skipIf(kind?.skipped !== undefined)('the command line on MariaDB', () => {
  let database: Database
  let project: CliProject
  let workload: string

  beforeAll(async () => {
    database = (await kind?.connect()) as Database
    await database.exec(CITIES.mysql)
    project = cliProject()
    workload = writeCityWorkload(project.folder, 'mysql')
  })
  afterAll(async () => {
    await database.exec(`DROP USER IF EXISTS ${USER}`)
    await database.drop()
    project.remove()
  })

  const catalogue = () => Promise.all(CATALOGUE.map((sql) => database.query(sql)))

  function as(user: string, password: string): string {
    const url = new URL(database.url)
    Object.assign(url, { username: user, password })
    return url.href
  }

  it('analyzes the workload of an app, and leaves nothing behind', async () => {
    const before = await catalogue()
    const { code, out, err } = await project.run([
      'analyze',
      database.url,
      '--workload',
      workload,
      '--fail-on',
      'high',
    ])
    expect([code, err]).toEqual([1, ''])
    expect(out).toMatch(/^sluice analyze {3}MariaDB \d/)
    expect(out).toMatch(/HIGH {2}idx-1 {2}city\(region_id\) {3}\d+% of DB time/)
    expect(out).toMatch(/\(counted on a sample\) {2}rows read [\d,]+ → \d+/)
    expect(await catalogue()).toEqual(before)
    expect(project.temporaryFiles()).toEqual([])
  })

  it('works with SELECT permissions only, and reports unavailable information', async () => {
    const name = new URL(database.url).pathname.slice(1)
    await database.exec(`CREATE USER ${USER} IDENTIFIED BY 'p4ssword'; GRANT SELECT ON ${name}.* TO ${USER}`)
    const { code, out, err } = await project.run(['analyze', as(USER, 'p4ssword'), '--workload', workload])
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('city(region_id)')
    expect(out).toMatch(/NOT VALIDATED/)
    expect(out.replaceAll(/\s+/g, ' ')).toMatch(
      /not available: measurements of indexes on \S+ Access denied .* GRANT CREATE TEMPORARY TABLES/,
    )
  })

  it('creates the index with --apply, and then reports no missing index', async () => {
    const applied = await project.run(['analyze', database.url, '--workload', workload, '--apply', '--yes'])
    expect(applied.code).toBe(0)
    expect(applied.err).toMatch(/done: \w+/)
    const again = await project.run([
      'analyze',
      database.url,
      '--workload',
      workload,
      '--fail-on',
      'missing-index',
    ])
    expect([again.code, again.err]).toEqual([0, ''])
    await database.exec(`DROP INDEX ${/done: (\w+)/.exec(applied.err)?.[1]} ON city`)
  })

  it('exits with code 3 when it cannot connect, and prints no password', async () => {
    const { code, out, err } = await project.run(['analyze', as('root', 'wr0ng')])
    expect([code, out]).toEqual([3, ''])
    expect(err).toContain('Access denied')
    expect(err).not.toContain('wr0ng')
  })

  it('prints JSON that matches the schemas', async () => {
    const analysis = await project.run(['analyze', database.url, '--workload', workload, '--json'])
    expect(JSON.parse(analysis.out)).toMatchObject({
      findings: expect.arrayContaining([expect.objectContaining({ code: 'MISSING_INDEX' })]),
    })
    expect(schemaProblems('analyze', analysis.out)).toEqual([])
    const sql = 'SELECT * FROM city WHERE region_id = 7 ORDER BY name'
    expect(
      schemaProblems(
        'explain',
        (await project.run(['explain', sql, '--url', database.url, '--analyze', '--json'])).out,
      ),
    ).toEqual([])
  })

  it('explains with parameter values, and requires them', async () => {
    const sql = 'SELECT * FROM city WHERE region_id = ?'
    const { code, out } = await project.run([
      'explain',
      sql,
      '--url',
      database.url,
      '--bind',
      '[7]',
      '--analyze',
    ])
    expect(code).toBe(0)
    expect(out).toMatch(/city {3}FULL SCAN +20,000/)
    const without = await project.run(['explain', sql, '--url', database.url])
    expect(without).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('Pass them with --bind.'),
    })
  })

  it('checks the server with doctor', async () => {
    const { code, out, err } = await project.run(['doctor', database.url])
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/ok {4}MariaDB \d/)
    expect(out).toMatch(/performance_schema/)
  })
})
