import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import * as path from 'node:path'
import { planFixFiles, type SchemaChange } from '@sluice/core/database'
import { CamelCasePlugin, Kysely } from 'kysely'
import { FileMigrationProvider, Migrator } from 'kysely/migration'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { kyselyProject } from '../../../packages/cli/src/formats/kysely/kysely-project.ts'
import type { DatabaseFacts } from '../../../packages/core/src/database/fixes/database-facts.ts'
import type { CreateIndexChange } from '../../../packages/core/src/database/fixes/schema-change.ts'
import { type Database, databases } from '../../support/databases.ts'
import { fixFacts, fixTable } from '../../support/fix-facts.ts'
import { kyselyDialect } from '../../support/kysely-harness.ts'

const at = new Date('2026-01-02T03:04:05Z')

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`a Kysely migration on ${name}`, () => {
    let database: Database
    let facts: DatabaseFacts
    let db: Kysely<unknown>
    let folder: string

    const change = (
      indexName: string,
      keys: CreateIndexChange['index']['keys'],
      more = {},
    ): CreateIndexChange => ({
      kind: 'create-index',
      name: indexName,
      index: { table: `${facts.defaultSchema}.city`, keys, method: 'btree', isUnique: false, ...more },
    })

    async function indexes(): Promise<string[]> {
      const rows = await database.query(
        {
          sqlite:
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'kysely%'",
          postgresql:
            "SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid WHERE i.indisvalid AND NOT i.indisprimary AND t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE 'kysely%'",
          mysql:
            "SELECT DISTINCT index_name AS name FROM information_schema.statistics WHERE table_schema = database() AND index_name <> 'PRIMARY' AND table_name NOT LIKE 'kysely%'",
        }[dialect],
      )
      return rows.map((row) => String(row.name)).sort()
    }

    /** Writes the migration of the changes to the folder that Kysely reads. */
    async function write(changes: readonly SchemaChange[], language: 'ts' | 'esm' | 'cjs' = 'esm') {
      const extension = { ts: '.ts', esm: '.mjs', cjs: '.cjs' }[language]
      const project = kyselyProject({ migrationsDir: '.', migrations: ['001_init.mjs'], language, extension })
      const { files } = planFixFiles(changes, project, facts, at)
      for (const file of files) await fs.writeFile(path.join(folder, file.path), file.content)
      expect(files.map((file) => file.path.slice(0, 6))).toEqual(['./002_'])
    }

    const migrator = (on = db) =>
      new Migrator({
        db: on,
        provider: new FileMigrationProvider({
          fs,
          path,
          migrationFolder: folder,
          import: (file) => import(file),
        }),
      })

    async function migrate(options: { readonly disableTransactions?: boolean } = {}): Promise<void> {
      const { error } = await migrator().migrateToLatest(options)
      if (error !== undefined) throw error
    }

    beforeEach(async () => {
      database = await connect()
      facts = fixFacts(database)
      db = new Kysely({ dialect: kyselyDialect(database), plugins: [new CamelCasePlugin()] })
      folder = await fs.mkdtemp(path.join(tmpdir(), 'sluice-kysely-'))
      await fs.symlink(
        path.join(import.meta.dirname, '../../node_modules'),
        path.join(folder, 'node_modules'),
      )
      await fs.writeFile(path.join(folder, '001_init.mjs'), 'export async function up() {}\n')
      await database.exec(
        'CREATE TABLE city (id integer PRIMARY KEY, name varchar(40), region_id integer, old integer);',
      )
      await database.exec("INSERT INTO city VALUES (1, 'a?b', 1, 1), (2, 'b', 1, 1);")
      await database.exec('CREATE INDEX city_old_index ON city (old);')
    })
    afterEach(async () => {
      await db.destroy()
      await database.drop()
      await fs.rm(folder, { recursive: true, force: true })
    })

    it.each([
      ['ts', {}],
      ['esm', { disableTransactions: true }],
      ['cjs', {}],
    ] as const)('migrates up, down and up again (%s)', async (language, options) => {
      await write(
        [
          change('city_region_id_name_index', [
            { column: 'region_id' },
            { column: 'name', isDescending: true },
          ]),
          { ...change('city_old_index', [{ column: 'old' }]), kind: 'drop-index' },
        ],
        language,
      )
      await migrate(options)
      expect(await indexes()).toEqual(['city_region_id_name_index'])
      expect((await migrator().migrateDown(options)).error).toBeUndefined()
      expect(await indexes()).toEqual(['city_old_index'])
      await migrate(options)
      expect(await indexes()).toEqual(['city_region_id_name_index'])
    })

    it('runs without errors if all indexes already exist', async () => {
      await write([change('city_name_index', [{ column: 'name' }])], 'ts')
      const [file = ''] = (await fs.readdir(folder)).filter((one) => one.startsWith('002'))
      const { up, down } = (await import(path.join(folder, file))) as Record<
        'up' | 'down',
        (on: typeof db) => Promise<void>
      >
      await up(db)
      await up(db)
      expect(await indexes()).toEqual(['city_name_index', 'city_old_index'])
      await down(db)
      await down(db)
      expect(await indexes()).toEqual(['city_old_index'])
    })

    it.skipIf(dialect === 'mysql')('preserves a question mark in a condition', async () => {
      await write([change('city_odd_index', [{ column: 'region_id' }], { where: "name = 'a?b'" })])
      await migrate()
      expect(await indexes()).toContain('city_odd_index')
    })

    describe.runIf(dialect === 'postgresql')('on PostgreSQL', () => {
      it.each([
        ['concurrently', { disableTransactions: true }, 'INDEX CONCURRENTLY'],
        ['plainly in a transaction', {}, 'INDEX "'],
      ] as const)('builds %s', async (_, options, expected) => {
        await write([change('city_name_index', [{ column: 'name' }])])
        const sent: string[] = []
        const logged = new Kysely<unknown>({
          dialect: kyselyDialect(database),
          log: ({ query }) => void sent.push(query.sql),
        })
        try {
          expect((await migrator(logged).migrateToLatest(options)).error).toBeUndefined()
          expect(sent.filter((sql) => sql.startsWith('CREATE INDEX'))).toEqual([
            expect.stringContaining(expected),
          ])
        } finally {
          await logged.destroy()
        }
      })

      it('does not block a large table in a transaction, unless its index exists', async () => {
        await database.exec(
          "ALTER TABLE city ADD padding text; ALTER TABLE city ALTER padding SET STORAGE PLAIN; INSERT INTO city SELECT i, 'c', i, i, repeat('x', 7000) FROM generate_series(3, 9500) i;",
        )
        await write([change('city_name_index', [{ column: 'name' }])])
        await expect(migrate()).rejects.toThrow('disableTransactions: true')
        expect(await indexes()).toEqual(['city_old_index'])
        await database.exec('CREATE INDEX city_name_index ON city (name)')
        await migrate()
        expect((await migrator().migrateDown()).error).toBeUndefined()
        await migrate({ disableTransactions: true })
        expect(await indexes()).toEqual(['city_name_index', 'city_old_index'])
      })

      it('replaces an invalid index from an earlier attempt', async () => {
        await write([change('city_region_id_unique', [{ column: 'region_id' }], { isUnique: true })])
        await expect(migrate({ disableTransactions: true })).rejects.toThrow('could not create unique index')
        expect(await indexes()).toEqual(['city_old_index'])
        await database.exec('UPDATE city SET region_id = id')
        await migrate({ disableTransactions: true })
        expect(await indexes()).toContain('city_region_id_unique')
        expect(await database.query('SHOW lock_timeout')).toEqual([{ lock_timeout: '0' }])
      })

      it('builds the index of a partitioned table, even if parts of it exist', async () => {
        await database.exec(`CREATE TABLE log (id integer, at integer) PARTITION BY RANGE (at);
          CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);`)
        facts = fixFacts(database, [
          fixTable('public', 'log', { kind: 'partitioned' }),
          fixTable('public', 'log_1', { kind: 'partition', parent: 'public.log' }),
        ])
        await database.exec('CREATE INDEX log_id_index ON ONLY log (id)')
        const index = { ...change('', [{ column: 'id' }]).index, table: 'public.log' }
        await write([{ kind: 'create-index', name: 'log_id_index', index }])
        await migrate({ disableTransactions: true })
        expect(await indexes()).toEqual(['city_old_index', 'log_1_id_idx', 'log_id_index'])
        expect((await migrator().migrateDown({ disableTransactions: true })).error).toBeUndefined()
        expect(await indexes()).toEqual(['city_old_index'])
      })
    })
  })
}
