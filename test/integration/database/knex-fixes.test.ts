import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import knex, { type Knex } from 'knex'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DatabaseFacts } from '../../../packages/core/src/database/fixes/database-facts.ts'
import type {
  CreateIndexChange,
  SchemaChange,
} from '../../../packages/core/src/database/fixes/schema-change.ts'
import { knexMigration } from '../../../packages/knex/src/project/knex-project.ts'
import { type Database, databases } from '../../support/databases.ts'
import { fixFacts, fixTable } from '../../support/fix-facts.ts'

const at = new Date('2026-01-02T03:04:05Z')

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`a Knex migration on ${name}`, () => {
    let database: Database
    let facts: DatabaseFacts
    let db: Knex
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
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'knex%'",
          postgresql:
            "SELECT c.relname AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid WHERE i.indisvalid AND NOT i.indisprimary AND t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE 'knex%'",
          mysql:
            "SELECT DISTINCT index_name AS name FROM information_schema.statistics WHERE table_schema = database() AND index_name <> 'PRIMARY' AND table_name NOT LIKE 'knex%'",
        }[dialect],
      )
      return rows.map((row) => String(row.name)).sort()
    }

    /** Writes the migration of the changes to the folder that Knex reads. */
    async function write(
      changes: readonly SchemaChange[],
      language: 'esm' | 'cjs',
    ): Promise<Knex.MigratorConfig> {
      const { path, content } = knexMigration(changes, facts, { migrationsDir: '.', language }, at)
      await writeFile(join(folder, path), content)
      return { directory: folder, loadExtensions: ['.js', '.mjs'] }
    }

    beforeEach(async () => {
      database = await connect()
      facts = fixFacts(database)
      db = knex(database.knexConfig())
      folder = await mkdtemp(join(tmpdir(), 'sluice-knex-'))
      await database.exec(
        'CREATE TABLE city (id integer PRIMARY KEY, name varchar(40), region_id integer, old integer);',
      )
      await database.exec("INSERT INTO city VALUES (1, 'a?b', 1, 1), (2, 'b', 1, 1);")
      await database.exec('CREATE INDEX city_old_index ON city (old);')
    })
    afterEach(async () => {
      await db.destroy()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    })

    it.each(['esm', 'cjs'] as const)('migrates up, down and up again (%s)', async (language) => {
      const config = await write(
        [
          change('city_region_id_name_index', [
            { column: 'region_id' },
            { column: 'name', isDescending: true },
          ]),
          { ...change('city_old_index', [{ column: 'old' }]), kind: 'drop-index' },
        ],
        language,
      )
      await db.migrate.latest(config)
      expect(await indexes()).toEqual(['city_region_id_name_index'])
      await db.migrate.rollback(config)
      expect(await indexes()).toEqual(['city_old_index'])
      await db.migrate.latest(config)
      expect(await indexes()).toEqual(['city_region_id_name_index'])
    })

    it('runs without errors if all indexes already exist', async () => {
      const { content } = knexMigration(
        [change('city_name_index', [{ column: 'name' }])],
        facts,
        { migrationsDir: '.', language: 'ts' },
        at,
      )
      const file = join(folder, 'twice.ts')
      await writeFile(file, content)
      const { up, down } = (await import(file)) as Record<'up' | 'down', (knex: Knex) => Promise<void>>
      await up(db)
      await up(db)
      expect(await indexes()).toEqual(['city_name_index', 'city_old_index'])
      await down(db)
      await down(db)
      expect(await indexes()).toEqual(['city_old_index'])
    })

    it.skipIf(dialect === 'mysql')('preserves a question mark in a condition', async () => {
      await db.migrate.latest(
        await write([change('city_odd_index', [{ column: 'region_id' }], { where: "name = 'a?b'" })], 'cjs'),
      )
      expect(await indexes()).toContain('city_odd_index')
    })

    it.runIf(dialect === 'postgresql')('replaces an invalid index from an earlier attempt', async () => {
      const config = await write(
        [change('city_region_id_unique', [{ column: 'region_id' }], { isUnique: true })],
        'cjs',
      )
      await expect(db.migrate.latest(config)).rejects.toThrow('could not create unique index')
      const invalid = await database.query(
        'SELECT indisvalid FROM pg_index WHERE indexrelid = $1::regclass',
        ['city_region_id_unique'],
      )
      expect(invalid).toEqual([{ indisvalid: false }])
      await database.exec('UPDATE city SET region_id = id')
      await db.migrate.latest(config)
      expect(await indexes()).toContain('city_region_id_unique')
      const { rows } = await db.raw('SHOW lock_timeout')
      expect(rows).toEqual([{ lock_timeout: '0' }])
    })

    it.runIf(dialect === 'postgresql')('gives up waiting for a lock', async () => {
      const config = await write([change('city_name_index', [{ column: 'name' }])], 'esm')
      const [file = ''] = await readdir(folder)
      const path = join(folder, file)
      await writeFile(
        path,
        (await readFile(path, 'utf8')).replace("lock_timeout = '5min'", "lock_timeout = '50ms'"),
      )
      await db.transaction(async (trx) => {
        await trx.raw('LOCK TABLE city IN ACCESS EXCLUSIVE MODE')
        await expect(db.migrate.latest(config)).rejects.toThrow('lock timeout')
      })
    })

    it.runIf(dialect === 'postgresql')(
      'builds the index of a partitioned table, even if parts of it exist',
      async () => {
        await database.exec(`CREATE TABLE log (id integer, at integer) PARTITION BY RANGE (at);
        CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
        CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20);`)
        facts = fixFacts(database, [
          fixTable('public', 'log', { kind: 'partitioned' }),
          fixTable('public', 'log_1', { kind: 'partition', parent: 'public.log' }),
          fixTable('public', 'log_2', { kind: 'partition', parent: 'public.log' }),
        ])
        await database.exec('CREATE INDEX log_id_index ON ONLY log (id)')
        const index = { ...change('', [{ column: 'id' }]).index, table: 'public.log' }
        const config = await write([{ kind: 'create-index', name: 'log_id_index', index }], 'cjs')
        await db.migrate.latest(config)
        expect(await indexes()).toEqual(['city_old_index', 'log_1_id_idx', 'log_2_id_idx', 'log_id_index'])
        await db.migrate.rollback(config)
        expect(await indexes()).toEqual(['city_old_index'])
      },
    )
  })
}
