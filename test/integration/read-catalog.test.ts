import { readCatalog, type SchemaCatalog } from '@sluice/core/adapter'
import knex, { type Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { readStillCatalog } from '../support/catalog-read.ts'
import { catalogSchemas } from '../support/catalog-schemas.ts'
import { type Database, databases } from '../support/databases.ts'
import { SOON } from '../support/patience.ts'

/** More statements than the maximum would never become fewer. */
const SHORT = { timeout: 30_000, interval: 10 }

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`readCatalog on ${name}`, () => {
    let database: Database
    let catalog: SchemaCatalog
    let statements = 0

    const read = () => {
      statements = 0
      return readCatalog({
        dialect,
        query(sql, params) {
          statements += 1
          return database.query(sql, params)
        },
      })
    }
    const id = (...parts: string[]) => catalog.idOf(parts)
    const info = (...parts: string[]) => catalog.tables.get(id(...parts))
    const column = (table: string, columnName: string) =>
      info(table)?.columns.find((candidate) => candidate.name === columnName)
    const keysOf = (table: string) => catalog.foreignKeys.filter((key) => key.table === id(table))
    const touchedBy = (table: string, kind: 'update' | 'delete', columns?: readonly string[]) =>
      catalog.effectOf([
        columns === undefined ? { table: id(table), kind } : { table: id(table), kind, columns },
      ])

    beforeAll(async () => {
      database = await connect()
      await database.exec(catalogSchemas[dialect])
      catalog = await vi.waitFor(read, SOON)
    })
    afterAll(() => database.drop())

    it('sends at most 13 statements', async () => {
      // Other tests change schemas of the same server, and then it reads again.
      const most = dialect === 'postgresql' ? 13 : 8
      await vi.waitFor(async () => {
        await read()
        expect(statements).toBeLessThanOrEqual(most)
      }, SHORT)
    })

    it('reads again if the schema changed during the read', async () => {
      const readWhile = (define: (asked: number) => string | undefined) => {
        let asked = 0
        return readCatalog({
          dialect,
          async query(sql, params) {
            const rows = await database.query(sql, params)
            asked += 1
            const definition = define(asked)
            if (definition !== undefined) await database.exec(definition)
            return rows
          },
        })
      }
      try {
        // The third statement reads the columns.
        const { tables } = await readWhile((asked) =>
          asked === 3 ? 'create table torn (id int primary key)' : undefined,
        )
        expect([...tables.values()].map(({ name }) => name)).toContain('torn')
        const always = readWhile((asked) => `alter table torn add c${asked} int`)
        await expect(always).rejects.toMatchObject({ code: 'SLUICE_INVALID_CATALOG' })
      } finally {
        await database.exec('drop table if exists torn')
      }
    })

    it('knows the default schema', () => {
      const expected = {
        sqlite: 'main',
        postgresql: 'public',
        mysql: new URL(database.url).pathname.slice(1),
      }
      expect(catalog.defaultSchema).toBe(expected[dialect])
    })

    it('lists the user’s tables and none of the system’s', () => {
      const schemas = dialect === 'postgresql' ? [catalog.defaultSchema, 'geo'] : [catalog.defaultSchema]
      const names = [...catalog.tables.values()]
        .filter(({ schema }) => schemas.includes(schema ?? ''))
        .map(({ name: table }) => table)
      const shared = [
        'Order Line',
        'audit',
        'city',
        'city_tag',
        'city_view',
        'country',
        'employee',
        'place',
        'tag',
        'visit',
      ]
      const own = {
        sqlite: ['words', 'words_config', 'words_content', 'words_data', 'words_docsize', 'words_idx'],
        postgresql: [
          'City',
          'area',
          'city_totals',
          'measurement',
          'measurement_2026',
          'node',
          'node_leaf',
          'ruled',
          'secret',
        ],
        mysql: ['numbers'],
      }
      expect(names.sort()).toEqual([...shared, ...own[dialect]].sort())
      expect(
        info('information_schema', 'tables') ?? info('pg_catalog', 'pg_class') ?? info('mysql', 'user'),
      ).toBeUndefined()
    })

    it('distinguishes base tables from views', () => {
      expect(info('city')?.kind).toBe('table')
      expect(info('city_view')?.kind).toBe('view')
      expect(catalog.baseTable(id('city_view'))).toBeUndefined()
    })

    it('reads columns in order, with types and NULL', () => {
      expect(info('city')?.columns.map((each) => each.name)).toEqual([
        'id',
        'name',
        'country_id',
        'area',
        'founded',
        'slug',
        'population',
      ])
      expect(column('city', 'id')).toEqual({ name: 'id', type: 'integer', nullable: false })
      expect(column('city', 'name')).toEqual({ name: 'name', type: 'text', nullable: false })
      expect(column('city', 'country_id')).toEqual({ name: 'country_id', type: 'integer', nullable: true })
      expect(column('city', 'area')).toEqual({ name: 'area', type: 'decimal', nullable: true })
      expect(column('city', 'founded')).toEqual({ name: 'founded', type: 'datetime', nullable: true })
      const date = { name: 'at', type: 'datetime', exactType: 'date', nullable: false }
      expect(column('measurement', 'at')).toEqual(dialect === 'postgresql' ? date : undefined)
    })

    it('reads a composite primary key in its own order', () => {
      expect(info('place')?.primaryKey).toEqual(['region', 'code'])
      expect(info('visit')?.primaryKey).toEqual(['id'])
      expect(info('audit')?.primaryKey).toEqual([])
    })

    it('reads unique keys, and ignores partial, expression and plain indexes', () => {
      expect([...(info('city')?.uniqueKeys ?? [])].sort()).toEqual([['country_id', 'name'], ['slug']])
      expect(catalog.isUniqueKey(id('city'), ['name', 'country_id'])).toBe(true)
      expect(catalog.isUniqueKey(id('city'), ['population'])).toBe(false)
    })

    it('reads a composite foreign key, its columns in the order of each other', () => {
      expect(keysOf('visit')).toEqual([
        {
          table: id('visit'),
          columns: ['place_code', 'place_region'],
          references: id('place'),
          referencedColumns: ['code', 'region'],
          onDelete: 'Cascade',
          onUpdate: 'Cascade',
        },
      ])
    })

    it('reads a foreign key to its own table', () => {
      expect(keysOf('employee')).toMatchObject([
        { references: id('employee'), columns: ['manager_id'], onDelete: 'SetNull' },
      ])
    })

    it('reads the actions of foreign keys', () => {
      expect(keysOf('city')).toMatchObject([
        { references: id('country'), referencedColumns: ['id'], onDelete: 'SetNull', onUpdate: 'Cascade' },
      ])
      expect(keysOf('Order Line')).toMatchObject([
        { references: id('city'), onDelete: 'Restrict', onUpdate: 'NoAction' },
      ])
    })

    it('reads both keys of a many-to-many table', () => {
      expect(info('city_tag')?.primaryKey).toEqual(['city_id', 'tag_id'])
      expect(new Set(keysOf('city_tag').map(({ references }) => references))).toEqual(
        new Set([id('city'), id('tag')]),
      )
    })

    it('keeps quoted names unchanged', () => {
      expect(info('Order Line')?.columns.map((each) => each.name)).toEqual(['Line Id', 'cityId'])
      expect(info('Order Line')?.primaryKey).toEqual(['Line Id'])
    })

    it.skipIf(dialect !== 'sqlite')('treats a constraint that replaces rows as a trigger', async () => {
      const own = await connect()
      try {
        await own.exec(
          'CREATE TABLE a (id integer PRIMARY KEY, x text UNIQUE ON CONFLICT REPLACE); CREATE TABLE b (id integer PRIMARY KEY)',
        )
        const { tables } = await readStillCatalog({ dialect, query: (sql, params) => own.query(sql, params) })
        expect([tables.get('main.a')?.hasTriggers, tables.get('main.b')?.hasTriggers]).toEqual([true, false])
      } finally {
        await own.drop()
      }
    })

    it('knows which tables have triggers', () => {
      const withTriggers = ['tag', 'city', 'country', 'audit'].filter(
        (table) => info(table)?.hasTriggers === true,
      )
      expect(withTriggers).toEqual(['tag'])
    })

    it('returns the effects of writes with their cascades', () => {
      expect([...touchedBy('country', 'delete').tables].sort()).toEqual([id('city'), id('country')].sort())
      expect([...touchedBy('country', 'update', ['name']).tables]).toEqual([id('country')])
      expect([...touchedBy('place', 'update', ['code']).tables].sort()).toEqual(
        [id('place'), id('visit')].sort(),
      )
      expect(touchedBy('tag', 'delete').everything).toBe(true)
      expect(touchedBy('city', 'delete').everything).toBe(false)
    })

    if (dialect === 'sqlite') {
      it('does not treat virtual tables and their shadow tables as base tables', () => {
        expect(info('words')?.kind).toBe('view')
        expect(info('words_data')?.kind).toBe('view')
      })

      it('treats only a rowid alias key as not nullable', () => {
        expect(column('country', 'id')?.nullable).toBe(false)
        expect(column('place', 'code')?.nullable).toBe(true)
        expect(column('city_tag', 'city_id')?.nullable).toBe(false)
      })

      it('recognizes strings that may have a custom collation', async () => {
        // SQLite refuses unknown collations, but stores comments.
        await database.exec(`
          CREATE TABLE texts (plain text, folded text COLLATE NOCASE, trimmed text COLLATE "rtrim", n int);
          CREATE TABLE odd (plain text /* COLLATE german */, n int)`)
        const read = await readStillCatalog(database)
        await database.exec('DROP TABLE texts; DROP TABLE odd')
        const types = ['texts', 'odd'].map((name) =>
          read.baseTable(read.idOf([name]))?.columns.map(({ type }) => type),
        )
        expect(types).toEqual([
          ['text', 'text', 'text', 'integer'],
          ['collated', 'integer'],
        ])
      })

      it('reads the other tables although a view is broken', async () => {
        await database.exec('CREATE VIEW broken AS SELECT * FROM no_table')
        expect((await readStillCatalog(database)).tables.get('main.broken')?.kind).toBe('view')
      })
    }

    if (dialect === 'postgresql') {
      it('distinguishes tables of one name in two schemas and in different case', () => {
        expect(info('geo', 'area')?.schema).toBe('geo')
        expect(info('geo', 'city_totals')?.kind).toBe('view')
        expect(info('City')?.columns.map((each) => each.name)).toEqual(['Id'])
      })

      it('reads a foreign key across schemas', () => {
        expect(catalog.foreignKeys).toContainEqual(
          expect.objectContaining({ table: 'geo.area', references: 'public.city', onDelete: 'Cascade' }),
        )
      })

      it.each(['measurement', 'measurement_2026', 'node', 'node_leaf', 'secret'])(
        'does not treat %s as a base table',
        (table) => {
          expect(info(table)?.kind).toBe('view')
        },
      )

      it('treats a rule as a trigger', () => {
        expect(info('ruled')).toMatchObject({ kind: 'table', hasTriggers: true })
      })

      it('recognizes strings with a nondeterministic collation, and types that do not compare like their text', async () => {
        await database.exec(`
          CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', deterministic = false);
          CREATE DOMAIN label AS text COLLATE loose;
          CREATE TYPE mood AS ENUM ('calm');
          CREATE TABLE texts (plain text, posix text COLLATE "C", loose text COLLATE loose, label label, mood mood, n name, o oid, c char(5))`)
        const read = await readStillCatalog(database)
        await database.exec('DROP TABLE texts; DROP TYPE mood; DROP DOMAIN label; DROP COLLATION loose')
        const types = read.tables.get('public.texts')?.columns.map(({ name: of, type }) => `${of} ${type}`)
        expect(types).toEqual([
          'plain text',
          'posix text',
          'loose collated',
          'label collated',
          'mood text',
          'n other',
          'o other',
          'c other',
        ])
      })

      it('reads the schema that the search path names first', async () => {
        await database.exec('SET search_path = geo, public')
        const moved = await readStillCatalog(database)
        await database.exec('RESET search_path')
        expect(moved.defaultSchema).toBe('geo')
        expect(moved.baseTable(moved.idOf(['area']))?.schema).toBe('geo')
      })
    }

    if (dialect === 'mysql') {
      it('recognizes types in which several spellings denote one value', async () => {
        await database.exec(`
          CREATE TABLE texts (plain varchar(9), bin varchar(9) COLLATE utf8mb4_bin, odd varchar(9) CHARACTER SET macce, e enum('a'), s set('a'), y year, t time)`)
        const read = await readStillCatalog(database)
        await database.exec('DROP TABLE texts')
        const types = read
          .baseTable(read.idOf(['texts']))
          ?.columns.map(({ name: of, type }) => `${of} ${type}`)
        expect(types).toEqual([
          'plain text',
          'bin text',
          'odd collated',
          'e other',
          's other',
          'y other',
          't other',
        ])
      })

      it('reads foreign keys from and to another database', async () => {
        const other = `${catalog.defaultSchema}_other`
        await database.exec(`
          CREATE DATABASE ${other};
          CREATE TABLE ${other}.stay (id int PRIMARY KEY, city_id int, FOREIGN KEY (city_id) REFERENCES ${catalog.defaultSchema}.city (id) ON DELETE CASCADE)`)
        const read = await readStillCatalog(database, [other])
        await database.exec(`DROP DATABASE ${other}`)
        expect(read.effectOf([{ table: `${catalog.defaultSchema}.city`, kind: 'delete' }]).tables).toContain(
          `${other}.stay`,
        )
      })

      it('assumes triggers on every table when the user may see none', async () => {
        const { defaultSchema } = catalog
        const user = defaultSchema
        await database.exec(
          `CREATE USER ${user}@'%'; GRANT SELECT, INSERT, UPDATE, DELETE ON ${defaultSchema}.* TO ${user}@'%'`,
        )
        const address = new URL(database.url)
        address.username = user
        address.password = ''
        const read = async () => {
          const rows = knex({ client: 'mysql2', connection: address.href })
          try {
            return await readStillCatalog({
              dialect,
              query: async (sql, params = []) => (await rows.raw(sql, params as Knex.RawBinding[]))[0],
            })
          } finally {
            await rows.destroy()
          }
        }
        const blind = await read()
        await database.exec(`GRANT TRIGGER ON ${defaultSchema}.* TO ${user}@'%'`)
        const seeing = await read()
        await database.exec(`DROP USER ${user}@'%'`)
        expect([
          blind.tables.get(`${defaultSchema}.city`)?.hasTriggers,
          blind.tables.get(`${defaultSchema}.tag`)?.hasTriggers,
        ]).toEqual([true, true])
        expect([
          seeing.tables.get(`${defaultSchema}.city`)?.hasTriggers,
          seeing.tables.get(`${defaultSchema}.tag`)?.hasTriggers,
        ]).toEqual([false, true])
      })
    }
  })
}
