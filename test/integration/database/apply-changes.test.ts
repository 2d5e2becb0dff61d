import type { Connection } from '@sluice/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type ApplyEvent,
  applyChanges,
} from '../../../packages/core/src/database/fixes/apply/apply-change.ts'
import type { DatabaseFacts } from '../../../packages/core/src/database/fixes/database-facts.ts'
import type { SchemaChange } from '../../../packages/core/src/database/fixes/schema-change.ts'
import type { IndexDefinition, IndexKey } from '../../../packages/core/src/database/index-definition.ts'
import { type Database, databases } from '../../support/databases.ts'
import { fixFacts, fixTable } from '../../support/fix-facts.ts'
import { type PinnedConnection, pinnedConnection } from '../../support/pinned-connection.ts'

const index = (
  facts: DatabaseFacts,
  keys: readonly (string | IndexKey)[],
  more: Partial<IndexDefinition> = {},
): IndexDefinition => ({
  table: `${facts.defaultSchema}.city`,
  keys: keys.map((key) => (typeof key === 'string' ? { column: key } : key)),
  method: 'btree',
  isUnique: false,
  ...more,
})

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`applyChanges on ${name}`, () => {
    let database: Database
    let connection: PinnedConnection
    let facts: DatabaseFacts
    let events: ApplyEvent[]

    const create = (
      indexName: string,
      keys: readonly (string | IndexKey)[],
      more: Partial<IndexDefinition> = {},
    ): SchemaChange => ({
      kind: 'create-index',
      name: indexName,
      index: index(facts, keys, more),
    })
    const drop = (indexName: string, keys: readonly string[]): SchemaChange => ({
      ...create(indexName, keys),
      kind: 'drop-index',
    })
    const apply = (changes: readonly SchemaChange[], over: Connection = connection, lockTimeoutMs = 1_000) =>
      applyChanges(over, changes, facts, { lockTimeoutMs, onEvent: (event) => events.push(event) })
    const kinds = () => events.map(({ kind }) => kind)

    async function names(): Promise<string[]> {
      const rows = await database.query(
        {
          sqlite: "SELECT name FROM sqlite_schema WHERE type = 'index' AND name NOT LIKE 'sqlite_%'",
          postgresql:
            "SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'",
          mysql:
            "SELECT DISTINCT index_name AS name FROM information_schema.statistics WHERE table_schema = database() AND index_name <> 'PRIMARY'",
        }[dialect],
      )
      return rows.map((row) => String(row.name)).sort()
    }

    beforeEach(async () => {
      database = await connect()
      facts = fixFacts(database)
      connection = await pinnedConnection(database)
      events = []
      await database.exec(
        'CREATE TABLE city (id integer PRIMARY KEY, name varchar(40), region_id integer, code varchar(9) UNIQUE);',
      )
      await database.exec("INSERT INTO city VALUES (1, 'a', 1, 'x'), (2, 'b', 1, 'y');")
    })
    afterEach(async () => {
      await connection.close()
      await database.drop()
    })

    it('applies changes one at a time and reports each', async () => {
      const before = await names()
      const changes = [
        create('city_region_id_idx', ['region_id', { column: 'name', isDescending: true }]),
        create('city_name_idx', ['name']),
      ]
      expect(await apply(changes)).toEqual({ done: changes, skipped: [], remaining: [] })
      expect(await names()).toEqual([...before, 'city_name_idx', 'city_region_id_idx'].sort())
      expect(kinds()).toEqual(['locked', 'running', 'done', 'running', 'done'])
      const drops = [drop('city_name_idx', ['name'])]
      expect((await apply(drops)).done).toEqual(drops)
      expect(await names()).toEqual([...before, 'city_region_id_idx'].sort())
    })

    it('skips indexes that already exist', async () => {
      await database.exec('CREATE INDEX by_hand ON city (region_id, name)')
      const { done, skipped } = await apply([
        create('city_region_id_idx', ['region_id']),
        create('city_code_idx', ['code']),
        create('by_hand', ['name']),
        create('city_town_idx', ['town']),
        {
          ...create('town_idx', ['id']),
          index: index(facts, ['id'], { table: `${facts.defaultSchema}.town` }),
        },
        drop('city_gone_idx', ['name']),
        drop('by_hand', ['name']),
      ])
      expect(done).toEqual([])
      expect(skipped.map(({ why }) => why)).toEqual([
        'The index by_hand already serves the same purpose.',
        expect.stringMatching(/^The index .*(code|autoindex).* already serves the same purpose\.$/),
        'The name by_hand is used by another index.',
        'The table city has no column town.',
        'There is no table town.',
        'There is no index city_gone_idx.',
        'The index by_hand is not the one that it was.',
      ])
    })

    it('creates an index next to one that covers less', async () => {
      await database.exec('CREATE INDEX by_hand ON city (region_id)')
      const { done } = await apply([
        create('more', ['region_id', 'name']),
        create('unique', ['region_id', 'id'], { isUnique: true }),
      ])
      expect(done).toHaveLength(2)
    })

    it('does nothing on the second run', async () => {
      const changes = [create('city_name_idx', [{ column: 'name', isDescending: true }])]
      await apply(changes)
      expect((await apply(changes)).skipped).toHaveLength(1)
    })

    it('blocks a second run until the first is done', async () => {
      const other = await pinnedConnection(database)
      try {
        let attempt: Promise<unknown> | undefined
        const query: Connection['query'] = async (sql, params) => {
          if (/CREATE INDEX|ADD INDEX/.test(sql)) {
            attempt = apply([create('city_name_idx', ['name'])], other).catch((error: unknown) => error)
            await attempt
          }
          return connection.query(sql, params)
        }
        const slow: Connection = { dialect, query, session: (work) => work({ dialect, query }) }
        const first = await apply([create('city_name_idx', ['name'])], slow)
        expect(first.done).toHaveLength(1)
        expect(await attempt).toMatchObject({ code: 'SLUICE_SCHEMA_LOCKED' })
        expect((await apply([create('city_name_idx', ['name'])], other)).skipped).toHaveLength(1)
      } finally {
        await other.close()
      }
    })

    it('stops at a failure, retains completed changes and leaves nothing behind', async () => {
      const changes = [
        create('city_name_idx', ['name']),
        create('city_region_id_key', ['region_id'], { isUnique: true }),
        create('city_name_region_id_idx', ['name', 'region_id']),
      ]
      const before = await names()
      const { done, failed, remaining } = await apply(changes)
      expect(done).toEqual([changes[0]])
      expect(failed).toMatchObject({ change: changes[1], isLockTimeout: false })
      expect(remaining).toEqual([changes[2]])
      expect(await names()).toEqual([...before, 'city_name_idx'].sort())
      expect(kinds().at(-1)).toBe('failed')
      expect(kinds().includes('cleaned')).toBe(dialect === 'postgresql')
      await database.exec('UPDATE city SET region_id = id')
      expect((await apply(changes)).done).toEqual([changes[1], changes[2]])
    })

    it('releases its lock when a listener throws', async () => {
      const listener = () => {
        throw new Error('no more')
      }
      await expect(
        applyChanges(connection, [create('a', ['name'])], facts, { onEvent: listener }),
      ).rejects.toThrow('no more')
      const other = await pinnedConnection(database)
      try {
        expect((await apply([create('city_name_idx', ['name'])], other)).done).toHaveLength(1)
      } finally {
        await other.close()
      }
    })

    it.skipIf(dialect === 'sqlite')('gives up when it would wait for a lock', async () => {
      const other = await pinnedConnection(database)
      try {
        const lock = {
          postgresql: 'LOCK TABLE city IN ACCESS EXCLUSIVE MODE',
          mysql: 'SELECT * FROM city FOR UPDATE',
          sqlite: '',
        }
        await other.query('BEGIN')
        await other.query(lock[dialect])
        const { failed } = await apply([create('city_name_idx', ['name'])], connection, 50)
        expect(failed?.isLockTimeout).toBe(true)
        await other.query('ROLLBACK')
        expect((await apply([create('city_name_idx', ['name'])])).done).toHaveLength(1)
      } finally {
        await other.close()
      }
    })

    it('requires a connection with sessions', async () => {
      const { session: _, ...without } = connection
      await expect(apply([], without)).rejects.toMatchObject({ code: 'SLUICE_INVALID_ARGUMENT' })
    })

    it.runIf(dialect === 'postgresql')('replaces an invalid index from an earlier build', async () => {
      await expect(
        database.exec('CREATE UNIQUE INDEX CONCURRENTLY city_region_id_key ON city (region_id)'),
      ).rejects.toThrow()
      expect(await names()).toContain('city_region_id_key')
      await database.exec('UPDATE city SET region_id = id')
      await apply([create('city_region_id_key', ['region_id'], { isUnique: true })])
      expect(kinds()).toEqual(['locked', 'cleaned', 'running', 'done'])
    })

    it.runIf(dialect === 'postgresql')('distinguishes expressions, operators and conditions', async () => {
      await database.exec(`CREATE INDEX a ON city (lower(name)); CREATE INDEX b ON city (name text_pattern_ops);
        CREATE INDEX c ON city (region_id) WHERE code IS NULL; CREATE INDEX d ON city (id, region_id) INCLUDE (name)`)
      const lower = { column: 'name', expression: 'lower(name::text)' }
      const prefix = { column: 'name', operatorClass: 'text_pattern_ops' }
      const { done, skipped } = await apply([
        create('n1', [lower]),
        create('n2', [prefix]),
        create('n3', ['region_id'], { where: '"code" IS NULL' }),
        create('n4', ['id', 'region_id'], { include: ['name'] }),
        create('n5', ['name']),
        create('n6', ['region_id']),
        create('n7', [{ column: 'name', expression: 'upper(name)' }]),
        create('n8', ['id', 'region_id'], { include: ['code'] }),
        create('n9', [{ column: 'region_id', nulls: 'first' }, 'id']),
      ])
      expect(skipped.map(({ change }) => change.name)).toEqual(['n1', 'n2', 'n3', 'n4'])
      expect(done.map(({ name: made }) => made)).toEqual(['n5', 'n6', 'n7', 'n8', 'n9'])
    })

    it.runIf(dialect === 'postgresql')('builds the index of a partitioned table', async () => {
      await database.exec(`CREATE TABLE log (id integer, at integer) PARTITION BY RANGE (at);
        CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10);
        CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20);
        CREATE INDEX log_at_idx ON ONLY log (at);`)
      facts = fixFacts(database, [
        fixTable('public', 'log', { kind: 'partitioned' }),
        fixTable('public', 'log_1', { kind: 'partition', parent: 'public.log' }),
        fixTable('public', 'log_2', { kind: 'partition', parent: 'public.log' }),
      ])
      const changes = [{ ...create('log_at_idx', []), index: index(facts, ['at'], { table: 'public.log' }) }]
      expect((await apply(changes)).done).toHaveLength(1)
      expect(await names()).toEqual(['city_code_key', 'log_1_at_idx', 'log_2_at_idx', 'log_at_idx'])
      expect((await apply(changes)).skipped).toHaveLength(1)
    })

    it.runIf(dialect === 'mysql')('builds a FULLTEXT index', async () => {
      const fulltext = [create('city_name_text', ['name'], { method: 'fulltext' })]
      expect((await apply(fulltext)).done).toHaveLength(1)
      expect((await apply(fulltext)).skipped).toHaveLength(1)
    })
  })
}
