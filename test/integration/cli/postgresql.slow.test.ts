import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { schemaProblems } from '../../../packages/cli/test/support/schema-problems.ts'
import { CITIES, writeCityWorkload } from '../../support/city-workload.ts'
import { type Database, databases } from '../../support/databases.ts'
import { SOON } from '../../support/patience.ts'
import { type CliProject, cliProject } from '../../support/run-cli.ts'

// Each analysis starts a scratch PostgreSQL.
const SLOW_MS = 120_000

const ROLE = 'sluice_cli_nobody'

const CATALOGUE = `
  SELECT 'relation' AS kind, relnamespace::regnamespace::text || '.' || relname AS name FROM pg_class
  UNION ALL SELECT 'schema', nspname FROM pg_namespace
  UNION ALL SELECT 'extension', extname FROM pg_extension
  UNION ALL SELECT 'function', proname FROM pg_proc
  UNION ALL SELECT 'setting', setconfig::text FROM pg_db_role_setting
  UNION ALL SELECT 'rows', COUNT(*)::text FROM city
  ORDER BY 1, 2`

const kind = databases().find(({ dialect }) => dialect === 'postgresql')

describe.skipIf(kind?.skipped !== undefined)('the command line on PostgreSQL', () => {
  let database: Database
  let project: CliProject
  let workload: string

  beforeAll(async () => {
    database = (await kind?.connect()) as Database
    await database.exec(CITIES.postgresql)
    project = cliProject()
    workload = writeCityWorkload(project.folder, 'postgresql')
  })
  afterAll(async () => {
    await database.exec(`REVOKE ALL ON SCHEMA public FROM ${ROLE}; DROP ROLE ${ROLE}`).catch(() => {})
    await database.drop()
    project.remove()
  })

  const sessions = () =>
    database.query(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'sluice' AND datname = current_database()`,
    )

  function as(user: string, password = ''): string {
    const url = new URL(database.url)
    Object.assign(url, { username: user, password })
    return url.href
  }

  it(
    'analyzes the workload of an app, and leaves nothing behind',
    async () => {
      const before = await database.query(CATALOGUE)
      const { code, out, err } = await project.run([
        'analyze',
        database.url,
        '--workload',
        workload,
        '--fail-on',
        'missing-index',
      ])
      expect([code, err]).toEqual([1, ''])
      expect(out).toMatch(/^sluice analyze {3}PostgreSQL \d/)
      expect(out).toMatch(/HIGH {2}idx-1 {2}city\(region_id\) {3}\d+% of DB time/)
      expect(out).toContain("(PostgreSQL's planner with this database's statistics)")
      expect(out).toContain('/app/src/cities.ts:12:3')
      expect(await database.query(CATALOGUE)).toEqual(before)
      expect(project.temporaryFiles()).toEqual([])
      expect(await sessions()).toEqual([])
    },
    SLOW_MS,
  )

  it(
    'works with minimal permissions, and reports unavailable information',
    async () => {
      await database.exec(`CREATE ROLE ${ROLE} LOGIN`)
      const { code, out } = await project.run(['analyze', as(ROLE), '--workload', workload])
      expect(code).toBe(0)
      expect(out).toContain('city(region_id)')
      expect(out).toMatch(/not available: statistics of public\.city/)
    },
    SLOW_MS,
  )

  it(
    'exits immediately when it is interrupted, and removes its temporary files',
    async () => {
      const { child, ended } = project.start(['analyze', database.url, '--workload', workload])
      await vi.waitFor(() => expect(project.temporaryFiles()).not.toEqual([]), { ...SOON, interval: 20 })
      child.kill('SIGINT')
      expect(await ended).toMatchObject({ code: 130, out: '' })
      expect(project.temporaryFiles()).toEqual([])
      await vi.waitFor(async () => expect(await sessions()).toEqual([]), SOON)
    },
    SLOW_MS,
  )

  it(
    'analyzes the counters of the server without a workload file',
    async ({ skip }) => {
      const [row] = await database.query(`SELECT current_setting('shared_preload_libraries') AS libraries`)
      if (!String(row?.libraries).includes('pg_stat_statements'))
        skip('The server has not loaded pg_stat_statements.')
      await database.exec('CREATE EXTENSION IF NOT EXISTS pg_stat_statements')
      for (let region = 0; region < 50; region += 1)
        await database.query('SELECT * FROM city WHERE region_id = $1', [region])
      const { code, out } = await project.run(['analyze', database.url])
      expect(code).toBe(0)
      expect(out).toContain('city(region_id)')
    },
    SLOW_MS,
  )

  it('exits with code 3 when it cannot connect, and prints no password', async () => {
    const url = new URL(as('sluice', 'p4ssword'))
    url.pathname = '/there_is_no_such_database'
    for (const command of [
      ['analyze', url.href],
      ['explain', 'SELECT 1', '--url', url.href],
      ['doctor', url.href],
    ]) {
      const { code, out, err } = await project.run(command)
      expect([command[0], code]).toEqual([command[0], 3])
      expect((out + err).replaceAll(/\s+/g, ' ')).toMatch(
        /database "there_is_no_such_database" does not exist/,
      )
      expect(out + err).not.toContain('p4ssword')
    }
  })

  it(
    'prints JSON that matches the schemas, including for indexes to drop',
    async () => {
      await database.exec(
        'CREATE INDEX city_twice ON city (id) INCLUDE (name); CREATE INDEX city_once ON city (id) WHERE id > 7',
      )
      const analysis = await project.run(['analyze', database.url, '--workload', workload, '--json'])
      await database.exec('DROP INDEX city_twice; DROP INDEX city_once')
      expect(analysis.out).toContain('"kind": "drop-index"')
      expect(schemaProblems('analyze', analysis.out)).toEqual([])
      const sql = 'SELECT * FROM city WHERE region_id = $1 ORDER BY name'
      const plan = await project.run([
        'explain',
        sql,
        '--url',
        database.url,
        '--bind',
        '[7]',
        '--analyze',
        '--json',
      ])
      expect(JSON.parse(plan.out)).toMatchObject({ sorts: 1, executionTime: expect.any(Number) })
      expect(schemaProblems('explain', plan.out)).toEqual([])
    },
    SLOW_MS,
  )

  it('explains for any values, for given values, and with measurements', async () => {
    const sql = 'SELECT * FROM city WHERE region_id = $1'
    const generic = await project.run(['explain', sql, '--url', database.url])
    expect(generic).toMatchObject({ code: 0, err: '' })
    expect(generic.out).toMatch(/(·|^) +for any values\n/m)
    expect(generic.out).toMatch(/city {3}FULL SCAN/)
    expect(generic.out).toContain('filter (city.region_id = $1)')
    const measured = await project.run(['explain', sql, '--url', database.url, '--bind', '[7]', '--analyze'])
    expect(measured.out).toMatch(/took [\d.]+ ms/)
    expect(measured.out).toContain('reads 20,000 rows · returns 100 rows')
    expect(measured.out).toContain('warn  It reads 20,000 rows to return 100 rows: no index of city is used.')
  })

  it('plans a write, and rejects measuring it', async () => {
    expect(await project.run(['explain', 'DELETE FROM city', '--url', database.url])).toMatchObject({
      code: 0,
    })
    const refused = await project.run(['explain', 'DELETE FROM city', '--analyze', '--url', database.url])
    expect(refused).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('it would be executed, and it writes'),
    })
    expect(await database.query('SELECT COUNT(*)::int AS n FROM city')).toEqual([{ n: 20_000 }])
    const wrong = await project.run(['explain', 'SELECT * FROM nowhere', '--url', database.url])
    expect(wrong).toMatchObject({
      code: 2,
      err: expect.stringContaining('relation "nowhere" does not exist'),
    })
  })

  it('checks the server with doctor, and Redis if REDIS_URL is set', async () => {
    const redis = inject('services').redis
    const env = 'url' in redis ? { REDIS_URL: redis.url } : {}
    // PostgreSQL counts the rows of the transaction that also analyzed them as changed since.
    await database.exec('ANALYZE city')
    const { code, out, err } = await project.run(['doctor', database.url], env)
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/ok {4}PostgreSQL \d/)
    expect(out).toMatch(/pg_stat_statements/)
    expect(out).toMatch(/ok {4}PGlite: a scratch PostgreSQL plans with hypothetical indexes/)
    expect(out).toMatch(/ok {4}all large tables were analyzed/)
    expect(out).not.toMatch(/maxmemory-policy|statement_timeout/)
    writeFileSync(
      join(project.folder, 'sluice.ts'),
      `import { createSluice } from '@sluice/core'\nimport { redisStore } from '@sluice/redis'\nexport const sluice = createSluice({ cache: { store: redisStore(client) } })\n`,
    )
    const shared = (await project.run(['doctor', database.url], env)).out
    expect(shared).toMatch(/warn {2}statement_timeout is not set/)
    if (!('url' in redis)) return
    expect(shared).toMatch(/ok {4}Redis \d+\.\d+/)
    expect(shared).toMatch(/ok {4}maxmemory-policy is /)
    await database.exec(
      `ALTER ROLE CURRENT_USER IN DATABASE ${new URL(database.url).pathname.slice(1)} SET statement_timeout = '10s'`,
    )
    expect((await project.run(['doctor', database.url], env)).out).toContain(
      'ok    statement_timeout is 10 s\n',
    )
  })
})
