import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readWorkload, writeWorkload } from '@sluice/core/database'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { sluiceIn } from '../support/run-sluice.ts'
import {
  DRIZZLE_SCHEMA,
  indexesOf,
  PRISMA_SCHEMA,
  type Project,
  sqliteProject,
} from '../support/sqlite-project.ts'

const KNEXFILE = `module.exports = { client: 'better-sqlite3', connection: { filename: './app.db' }, useNullAsDefault: true }\n`

vi.setConfig({ testTimeout: 30_000 })

let project: Project | undefined

function openProject(files?: Readonly<Record<string, string>>): Project {
  project = sqliteProject(files)
  return project
}

afterEach(() => project?.remove())

const analyze = ({ folder, url, workload }: Project, ...args: string[]) =>
  sluiceIn(folder, 'analyze', url, '--workload', workload, ...args)

describe('sluice analyze on SQLite', () => {
  it('finds the missing index, and changes nothing', async () => {
    const opened = openProject()
    const before = readFileSync(join(opened.folder, 'app.db'))
    const { code, out, err } = await analyze(opened)
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/HIGH {2}idx-1 {2}city\(region_id\) .*of DB time/)
    expect(out).toContain("SQLite's planner on a clone")
    expect(out).toContain('/app/src/cities.ts:12:3')
    expect(out).not.toContain('\u001b')
    expect(readFileSync(join(opened.folder, 'app.db'))).toEqual(before)
    expect(readdirSync(opened.folder).sort()).toEqual(['app.db', 'workload.json'])
  })

  it('recommends ANALYZE only for tables without statistics', async () => {
    expect((await analyze(openProject())).out).not.toContain('analysed')
    project?.remove()
    project = sqliteProject({}, { isAnalyzed: false })
    expect((await analyze(project)).out).toContain('stat-1 never analyzed: city\n')
  })

  it('ends within the time limit despite a heavy statement, and reports what it skipped', async () => {
    const opened = openProject()
    const [light] = readWorkload(readFileSync(opened.workload, 'utf8'))
    if (light === undefined) throw new Error('the workload is empty')
    const sql =
      'SELECT count(*) FROM city a JOIN city b ON b.population > a.population AND b.population < a.population + 5 WHERE a.region_id < ?'
    const heavy = { ...light, fingerprint: 'heavy', sql, samples: [[300]] }
    writeFileSync(opened.workload, writeWorkload([light, heavy]))
    const startedAt = performance.now()
    const { code, out } = await analyze(opened, '--time-limit', '20')
    expect(performance.now() - startedAt).toBeLessThan(20_000)
    expect(code).toBe(0)
    expect(out).toContain('city(region_id)')
    expect(out).toContain(
      'not available: measurements of 1 statement. The limit of 2 s per statement was reached.',
    )
    expect(out).toMatch(/took .*s · limits: 2 s per statement, 20 s in total\n/)
  })

  it('skips all statements when the limit is reached immediately', async () => {
    const opened = openProject()
    const { code, out } = await analyze(opened, '--time-limit', '0.01', '--verbose')
    expect(code).toBe(0)
    expect(out).toContain('because of a time limit: set --time-limit')
    expect(out).toContain('The time limit of 0.01 s for the analysis was reached.')
    expect((await analyze(opened, '--statement-timeout', '0')).code).toBe(2)
  })

  it('uses the database URL of the project by default', async () => {
    const { folder, workload } = openProject({ '.env': 'DATABASE_URL="file:./app.db"\n' })
    expect(await sluiceIn(folder, 'analyze', '--workload', workload)).toMatchObject({
      code: 0,
      out: expect.stringContaining('city(region_id)'),
    })
  })

  it('reports a missing database URL', async () => {
    const { folder } = openProject()
    expect(await sluiceIn(folder, 'analyze')).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('DATABASE_URL'),
    })
  })

  it('prints the analysis as JSON', async () => {
    const { out } = await analyze(openProject(), '--json')
    const { schemaVersion, findings, new: fresh } = JSON.parse(out)
    expect(schemaVersion).toBe(1)
    expect(findings[0]).toMatchObject({
      code: 'MISSING_INDEX',
      table: 'main.city',
      severity: 'high',
      validation: 'clone',
    })
    expect(fresh).toContain(findings[0].key)
  })

  it('exits with code 1 when --fail-on matches', async () => {
    const opened = openProject()
    expect((await analyze(opened, '--fail-on', 'missing-index')).code).toBe(1)
    expect((await analyze(opened, '--fail-on', 'duplicate-index,rewrite')).code).toBe(0)
  })

  it('does not fail on findings in the baseline, including in the run that writes it', async () => {
    const opened = openProject()
    const written = await analyze(opened, '--fail-on', 'low', '--update-baseline')
    expect(written).toMatchObject({ code: 0, err: 'wrote sluice/baseline.json\n' })
    const again = await analyze(opened, '--fail-on', 'low')
    expect(again).toMatchObject({ code: 0, out: expect.stringMatching(/0 new · \d+ in the baseline/) })
    expect(again.out).not.toContain('city(region_id)')
    expect((await analyze(opened, '--fail-on', 'low', '--baseline', 'other.json')).code).toBe(1)
  })

  it('rejects an invalid baseline', async () => {
    const opened = openProject({ 'baseline.json': '{}' })
    expect(await analyze(opened, '--baseline', 'baseline.json')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--update-baseline'),
    })
  })

  it('writes the index to the Prisma schema, and a migration', async () => {
    const opened = openProject({ 'schema.prisma': PRISMA_SCHEMA })
    mkdirSync(join(opened.folder, 'migrations'))
    const { code, out, err } = await analyze(opened, '--write')
    expect(code).toBe(0)
    expect(out).not.toContain('sluice analyze --write')
    expect(err).toContain('changed schema.prisma')
    expect(readFileSync(join(opened.folder, 'schema.prisma'), 'utf8')).toContain('@@index([regionId])')
    const [migration = ''] = readdirSync(join(opened.folder, 'migrations'))
    expect(readFileSync(join(opened.folder, 'migrations', migration, 'migration.sql'), 'utf8')).toContain(
      'CREATE INDEX',
    )
    expect(indexesOf(opened)).toEqual([])
  })

  it('uses a name that is unique in the Prisma schema', async () => {
    const taken = '\n  @@index([population], map: "city_region_id_idx")\n  @@map("city")'
    const opened = openProject({ 'schema.prisma': PRISMA_SCHEMA.replace('\n  @@map("city")', taken) })
    mkdirSync(join(opened.folder, 'migrations'))
    const { err } = await analyze(opened, '--write')
    expect(err).toContain('changed schema.prisma')
    expect(readFileSync(join(opened.folder, 'schema.prisma'), 'utf8')).toContain(
      '@@index([regionId], map: "city_region_id_2_idx")',
    )
  })

  it('uses the name of an index that the Prisma schema already contains', async () => {
    const opened = openProject({
      'schema.prisma': PRISMA_SCHEMA.replace('\n  @@map("city")', '\n  @@index([regionId])\n  @@map("city")'),
    })
    const { out, err } = await analyze(opened, '--write', '--verbose')
    expect(out).toContain('city_region_id_idx')
    expect(err).toBe('city_region_id_idx is already in the schema: migrate the database\n')
  })

  it('writes a Knex migration', async () => {
    const opened = openProject({ 'knexfile.js': KNEXFILE })
    const { code, err } = await analyze(opened, '--write')
    expect(code).toBe(0)
    const [migration = ''] = readdirSync(join(opened.folder, 'migrations'))
    expect(err).toBe(`wrote migrations/${migration}\n`)
    expect(readFileSync(join(opened.folder, 'migrations', migration), 'utf8')).toMatch(
      /exports\.up = [\s\S]*region_id/,
    )
  })

  it('writes a Kysely migration', async () => {
    const opened = openProject({
      'package.json': '{ "dependencies": { "kysely": "*" } }',
      'tsconfig.json': '{}',
    })
    mkdirSync(join(opened.folder, 'migrations'))
    writeFileSync(join(opened.folder, 'migrations/001_init.ts'), "import type { Kysely } from 'kysely'\n")
    const { code, err } = await analyze(opened, '--write', '--format', 'kysely')
    expect(code).toBe(0)
    expect(err).toBe('wrote migrations/002_add_city_region_id_index.ts\n')
    const migration = join(opened.folder, 'migrations/002_add_city_region_id_index.ts')
    expect(readFileSync(migration, 'utf8')).toContain(
      'INDEX IF NOT EXISTS "city_region_id_index" ON "city" ("region_id")',
    )
  })

  it('writes SQL when a Kysely project has no migrations', async () => {
    const opened = openProject({ 'package.json': '{ "dependencies": { "kysely": "*" } }' })
    expect((await analyze(opened, '--write')).err).toBe(
      'wrote sluice/fixes/001_city_region_id.sql\n' +
        'city_region_id_index was not added to the schema: The project has no migrations folder with a Kysely migration.\n',
    )
  })

  it('writes the index to the Drizzle schema once', async () => {
    const opened = openProject({
      'package.json': '{ "dependencies": { "drizzle-orm": "*" } }',
      'schema.ts': DRIZZLE_SCHEMA,
    })
    mkdirSync(join(opened.folder, 'drizzle/meta'), { recursive: true })
    expect((await analyze(opened, '--write')).err).toBe(
      'changed schema.ts\nnext: npx drizzle-kit generate, then npx drizzle-kit migrate\n',
    )
    const schema = readFileSync(join(opened.folder, 'schema.ts'), 'utf8')
    expect(schema).toContain("  index('city_region_id_index').on(table.regionId),\n")
    expect((await analyze(opened, '--write')).err).toBe(
      'city_region_id_index is already in the schema: migrate the database\n',
    )
    expect(readFileSync(join(opened.folder, 'schema.ts'), 'utf8')).toBe(schema)
  })

  it('writes SQL when the project uses no ORM', async () => {
    const opened = openProject()
    const { err } = await analyze(opened, '--write')
    const [file = ''] = readdirSync(join(opened.folder, 'sluice/fixes'))
    expect(err).toContain(`wrote sluice/fixes/${file}\n`)
    expect(readFileSync(join(opened.folder, 'sluice/fixes', file), 'utf8')).toContain('CREATE INDEX')
  })

  it('rejects a format that the project does not use', async () => {
    const opened = openProject()
    expect(await analyze(opened, '--write', '--format', 'knex')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^sluice analyze: --format knex: expected .*knexfile.*\n$/),
    })
    for (const [format, name] of [
      ['drizzle', 'drizzle-orm'],
      ['kysely', 'kysely'],
    ] as const)
      expect(await analyze(opened, '--write', '--format', format)).toMatchObject({
        code: 2,
        err: expect.stringContaining(`package.json that depends on ${name}`),
      })
    expect(existsSync(join(opened.folder, 'migrations'))).toBe(false)
  })

  it('creates the index with --apply and --yes, and then has no findings', async () => {
    const opened = openProject()
    const { code, err } = await analyze(opened, '--apply', '--yes')
    expect(code).toBe(0)
    expect(err).toMatch(/CREATE INDEX .*;\ndone: city_region_id_idx\n/)
    expect(indexesOf(opened)).toEqual(['city_region_id_idx'])
    const again = await analyze(opened, '--apply', '--yes', '--fail-on', 'low')
    expect(again).toMatchObject({ code: 0, err: '' })
    expect(again.out).toContain('No findings')
  })

  it('creates no index without a terminal for the confirmation', async () => {
    const opened = openProject()
    expect(await analyze(opened, '--apply')).toMatchObject({ code: 2, err: expect.stringContaining('--yes') })
    expect(indexesOf(opened)).toEqual([])
  })

  it('rejects the workload of a different kind of database', async () => {
    const opened = openProject()
    writeFileSync(opened.workload, readFileSync(opened.workload, 'utf8').replaceAll('"sqlite"', '"mysql"'))
    expect(await analyze(opened)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/expected statements for sqlite, got statements for mysql\n$/),
    })
  })

  it('rejects an invalid workload file, and reports the path of the problem', async () => {
    const opened = openProject()
    writeFileSync(opened.workload, '{"schemaVersion":1,"entries":[{"fingerprint":1}]}')
    const { code, err } = await analyze(opened)
    expect(code).toBe(2)
    expect(err).toContain('entries[0].fingerprint: expected a string, got 1')
  })
})
