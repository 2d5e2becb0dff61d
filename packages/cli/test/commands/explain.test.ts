import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TEST_MS } from '../../../../test/support/patience.ts'
import { run, sluice, sluiceIn } from '../support/run-sluice.ts'
import { indexesOf, type Project, sqliteProject } from '../support/sqlite-project.ts'

let project: Project

beforeAll(() => {
  project = sqliteProject({ '.env': 'DATABASE_URL="file:./app.db"\n' })
})
afterAll(() => project.remove())

const explain = (...args: string[]) => sluice('explain', ...args, '--url', project.url)

describe('sluice explain', () => {
  it('shows a full scan with the rows of the table', async () => {
    const { code, out, err } = await explain('SELECT * FROM city WHERE region_id = ? ORDER BY name')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/city +FULL SCAN +20,000/)
    expect(out).toContain('for any values')
    expect(out).toContain('reads about 20,000 rows · SORT')
    expect(out).toMatch(/warn .*no index of city is used/)
  })

  it('accepts values, and a semicolon and a comment at the end', async () => {
    const { code, out } = await explain('SELECT * FROM city WHERE id = ?; -- by key', '--bind', '[7]')
    expect(code).toBe(0)
    expect(out).toMatch(/city +by key +\(rowid\)/)
    expect(out).not.toMatch(/for any values|warn/)
  })

  it('plans a write, and does not execute it', async () => {
    expect(await explain('DELETE FROM city WHERE id = 3')).toMatchObject({
      code: 0,
      out: expect.stringContaining('by key'),
    })
    expect((await explain('CREATE INDEX i ON city (name)')).code).toBe(2)
    expect(indexesOf(project)).toEqual([])
    expect((await explain('SELECT * FROM city WHERE id = 3')).code).toBe(0)
  })

  it('prints the plan as JSON', async () => {
    const { out } = await explain('SELECT * FROM city', '--json')
    expect(JSON.parse(out)).toMatchObject({
      schemaVersion: 1,
      sql: 'SELECT * FROM city',
      steps: [{ access: 'full-scan', table: 'main.city' }],
    })
  })

  it('uses colors with --color', async () => {
    expect((await explain('SELECT * FROM city', '--color')).out).toContain('\u001b[31mFULL SCAN')
    expect((await explain('SELECT * FROM city', '--color', '--no-color')).out).not.toContain('\u001b')
  })

  it('uses the database URL of the project', async () => {
    expect(await sluiceIn(project.folder, 'explain', 'SELECT * FROM city')).toMatchObject({
      code: 0,
      out: expect.stringContaining('FULL SCAN'),
    })
  })

  it('finds a database file next to the Prisma schema', async () => {
    const prisma = join(project.folder, 'with-prisma')
    mkdirSync(join(prisma, 'prisma'), { recursive: true })
    renameSync(join(project.folder, 'app.db'), join(prisma, 'prisma/app.db'))
    writeFileSync(
      join(prisma, 'prisma/schema.prisma'),
      'datasource db {\n  provider = "sqlite"\n  url = env("DATABASE_URL")\n}\n',
    )
    writeFileSync(join(prisma, '.env'), 'DATABASE_URL="file:./app.db"\n')
    try {
      expect((await sluiceIn(prisma, 'explain', 'SELECT * FROM city')).code).toBe(0)
    } finally {
      renameSync(join(prisma, 'prisma/app.db'), join(project.folder, 'app.db'))
    }
  })

  it('reads the statement from stdin', { timeout: TEST_MS }, async () => {
    const { code, out } = await run(['explain', '-', '--url', project.url], {
      stdin: 'SELECT *\nFROM city\n',
    })
    expect([code, out.includes('FULL SCAN')]).toEqual([0, true])
  })

  it.each([
    [['SELECT 1; DELETE FROM city'], 'several statements'],
    [['DROP TABLE city'], 'The statement was not explained'],
    [['SELECT * FROM nowhere'], 'no such table: nowhere'],
    [['SELECT 1', '--analyze'], 'SQLite does not measure'],
    [['SELECT 1', '--bind', '{"a":1}'], '--bind: expected a JSON array'],
    [['SELECT 1', '--bind', '[1'], '--bind: expected a JSON array'],
    [['SELECT 1', '--timeout', '0'], '--timeout: expected seconds'],
    [['SELECT', '1'], 'in quotes, also got "1"'],
    [[], 'expected a statement'],
  ])('rejects %j', async (args, message) => {
    const { code, out, err } = await explain(...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(message)
  })

  it('refers to --help for a wrong argument, and not for an error of the database', async () => {
    expect((await explain('SELECT * FROM nowhere')).err).toBe('sluice explain: no such table: nowhere\n')
    expect((await explain()).err).toMatch(/\nSee npx sluice explain --help\n$/)
  })

  it('exits with code 3 when the database does not exist', async () => {
    expect((await sluice('explain', 'SELECT 1', '--url', 'file:/nowhere.db')).code).toBe(3)
  })
})
