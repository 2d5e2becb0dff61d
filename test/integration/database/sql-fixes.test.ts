import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DatabaseFacts } from '../../../packages/core/src/database/fixes/database-facts.ts'
import { sqlFix } from '../../../packages/core/src/database/fixes/project-format.ts'
import type { SchemaChange } from '../../../packages/core/src/database/fixes/schema-change.ts'
import type { IndexDefinition } from '../../../packages/core/src/database/index-definition.ts'
import { type Database, databases } from '../../support/databases.ts'
import { fixFacts, fixTable } from '../../support/fix-facts.ts'

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`a SQL file on ${name}`, () => {
    let database: Database
    let facts: DatabaseFacts

    const change = (
      kind: SchemaChange['kind'],
      indexName: string,
      more: Partial<IndexDefinition>,
    ): SchemaChange => ({
      kind,
      name: indexName,
      index: { table: `${facts.defaultSchema}.City`, keys: [], method: 'btree', isUnique: false, ...more },
    })

    const names = async () => {
      const sql = {
        sqlite: "SELECT name FROM sqlite_schema WHERE type = 'index'",
        postgresql:
          "SELECT indexname AS name FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'",
        mysql:
          "SELECT DISTINCT index_name AS name FROM information_schema.statistics WHERE table_schema = database() AND index_name <> 'PRIMARY'",
      }[dialect]
      return (await database.query(sql)).map((row) => String(row.name)).sort()
    }

    /** Sends statements as a client does: one by one. */
    async function run(lines: readonly string[]): Promise<void> {
      for (const line of lines) await database.query(line.replace(/;$/, ''))
    }

    beforeEach(async () => {
      database = await connect()
      const quoted = dialect === 'mysql' ? '`City`' : '"City"'
      await database.exec(
        `CREATE TABLE ${quoted} (id integer PRIMARY KEY, name varchar(40), body text, region_id integer);`,
      )
      await database.exec(`CREATE INDEX old ON ${quoted} (region_id)`)
      const { defaultSchema } = fixFacts(database)
      facts = fixFacts(database, [fixTable(defaultSchema, 'City')])
    })
    afterEach(() => database.drop())

    it('applies the changes and reverts them', async () => {
      const own: SchemaChange[] = {
        sqlite: [
          change('create-index', 'p', {
            keys: [{ column: 'name', collation: 'NOCASE', isDescending: true }],
            where: 'region_id > 5',
          }),
          change('create-index', 'q', {
            keys: [{ column: 'name', expression: 'lower(name) || upper(body)', collation: 'NOCASE' }],
          }),
        ],
        postgresql: [
          change('create-index', 'p', {
            keys: [{ column: 'name', operatorClass: 'gin_trgm_ops' }],
            method: 'gin',
          }),
          change('create-index', 'q', {
            keys: [{ column: 'name', expression: 'lower(name)', nulls: 'first' }],
            include: ['id'],
            where: 'region_id > 5',
          }),
          change('create-index', 'r', {
            keys: [
              {
                column: 'name',
                expression: 'lower(name) || upper(body)',
                collation: 'C',
                isDescending: true,
              },
              { column: 'id' },
            ],
          }),
        ],
        mysql: [
          change('create-index', 'p', { keys: [{ column: 'body', prefixLength: 20, isDescending: true }] }),
          change('create-index', 'q', { keys: [{ column: 'body' }, { column: 'name' }], method: 'fulltext' }),
        ],
      }[dialect]
      const changes = [...own, change('drop-index', 'old', { keys: [{ column: 'region_id' }] })]
      const { content } = sqlFix(changes, facts, { dir: 'sluice/fixes', existing: [] })
      const [up = '', down = ''] = content.split('-- To take it back:\n')
      await run(up.split('\n').filter((line) => line !== '' && !line.startsWith('--')))
      expect(await names()).toEqual(own.map((made) => made.name))
      await run(down.split('\n').flatMap((line) => (line === '' ? [] : line.replace('-- ', ''))))
      expect(await names()).toEqual(['old'])
    })
  })
}
