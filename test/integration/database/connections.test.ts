import { type Connection, createSluice, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { knexConnection, unsluice, withSluice } from '@sluice/knex'
import { prismaConnection, sluiceAdapter } from '@sluice/prisma'
import knex, { type Knex } from 'knex'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { explainStatement } from '../../../packages/core/src/database/explain/explain-statement.ts'
import type { DatabaseSnapshot } from '../../../packages/core/src/database/inspectors/database-snapshot.ts'
import { inspectDatabase } from '../../../packages/core/src/database/inspectors/inspect-database.ts'
import { sampleTable } from '../../../packages/core/src/database/sampling/sample-table.ts'
import { type Database, databases } from '../../support/databases.ts'
import { cities, inspectedSchemas } from '../../support/inspected-schemas.ts'
import { createAdapter } from '../../support/prisma-clients.ts'

const TEMPORARY = 'CREATE TEMPORARY TABLE passing (id integer)'

for (const { name, dialect, skipped, connect } of databases()) {
  describe.skipIf(skipped !== undefined)(`connections of adapters on ${name}`, () => {
    let database: Database
    let db: Knex
    let sluice: Sluice
    let expected: DatabaseSnapshot
    const closing: (() => Promise<unknown>)[] = []

    /** The parts that do not depend on the connection or the time. */
    const lasting = ({ tables, foreignKeys, extensions }: DatabaseSnapshot) => ({
      foreignKeys,
      extensions,
      tables: tables.map(({ fullScans: _, fullScanRows: __, ...table }) => ({
        ...table,
        indexes: table.indexes.map(({ scans: ___, ...index }) => index),
      })),
    })

    beforeAll(async () => {
      database = await connect()
      await database.exec(inspectedSchemas[dialect])
      await database.exec(cities[dialect])
      if (dialect === 'postgresql') await database.exec('SELECT pg_stat_force_next_flush()')
      await database.exec(dialect === 'mysql' ? 'ANALYZE TABLE city, region' : 'ANALYZE')
      expected = await inspectDatabase(database)
      sluice = createSluice({ mode: 'optimize' })
      db = withSluice(knex(database.knexConfig()), sluice)
    })
    afterAll(async () => {
      for (const close of closing) await close()
      await db.destroy()
      await sluice.close()
      await database.drop()
    })

    const adapters: readonly (readonly [string, () => Promise<Connection>])[] = [
      ['a Knex instance', async () => knexConnection(db)],
      [
        'a driver adapter of Prisma',
        async () => {
          const connection = await prismaConnection(sluiceAdapter(createAdapter(dialect, database), sluice))
          closing.push(() => connection.close())
          return connection
        },
      ],
    ]
    describe.each(adapters)('of %s', (_, open) => {
      let connection: Connection
      beforeAll(async () => {
        connection = await open()
      })

      it('inspects the database alike', async () => {
        expect(lasting(await inspectDatabase(connection))).toEqual(lasting(expected))
      })

      it('sends statements without recording them in Sluice', async () => {
        const scope = sluice.openScope('past')
        await scope.enter(async () => {
          await connection.query('SELECT 1 AS one')
          await connection.session?.((session) => session.query('SELECT 1 AS one'))
        })
        expect(scope.counts).toMatchObject({ queries: 0, operations: 0 })
        scope.end()
      })

      it('binds values and returns rows by name', async () => {
        const sql =
          dialect === 'postgresql'
            ? 'SELECT name FROM city WHERE id = $1 AND code = $2'
            : 'SELECT name FROM city WHERE id = ? AND code = ?'
        expect(await connection.query(sql, [8, 'c8'])).toEqual([{ name: 'city 8' }])
        expect(await connection.query(sql, [8, 'c9'])).toEqual([])
      })

      it('explains a statement and measures it', async () => {
        const plan = await explainStatement(connection, `SELECT id FROM city WHERE label = 'city 7!'`, [], {
          tables: expected.tables,
        })
        expect(plan.steps).toMatchObject([{ access: 'full-scan' }])
        if (dialect === 'sqlite') return
        const sql =
          dialect === 'postgresql'
            ? 'SELECT id FROM city WHERE population < $1'
            : 'SELECT id FROM city WHERE population < ?'
        const measured = await explainStatement(connection, sql, [10], { analyze: true })
        expect(measured).toMatchObject({ rowsReturned: 200 })
      })

      it.skipIf(dialect === 'postgresql')('samples a table with its NULLs', async () => {
        const city = expected.tables.find((table) => table.name === 'city')
        if (city === undefined) throw new Error('There is no city.')
        const { rows } = await sampleTable(connection, city, ['id', 'deleted_at', 'name'], { maxRows: 500 })
        expect(rows.length).toBeGreaterThan(300)
        expect(rows.filter(([, deletedAt]) => deletedAt !== null).length / rows.length).toBeCloseTo(0.1, 1)
      })

      it('keeps settings and temporary objects within a session and leaves none behind', async () => {
        if (connection.session === undefined) {
          expect(dialect).toBe('sqlite')
          return
        }
        const counted = await connection.session(async (session) => {
          await session.query(TEMPORARY)
          await session.query('INSERT INTO passing VALUES (1)')
          await session.query('SELECT * FROM nowhere').catch(() => {})
          return (await session.query('SELECT COUNT(*) AS rows_of FROM passing')).map((row) =>
            Number(row.rows_of),
          )
        })
        expect(counted).toEqual([1])
        if (dialect === 'postgresql')
          await expect(connection.query('SELECT * FROM passing')).rejects.toThrow(/passing|TableDoesNotExist/)
      })

      it('releases the session when the work fails', async () => {
        if (connection.session === undefined) return
        for (let at = 0; at < 5; at++) {
          await expect(connection.session(() => Promise.reject(new Error('planned')))).rejects.toThrow(
            'planned',
          )
        }
        expect(await connection.query('SELECT 1 AS one')).toHaveLength(1)
      })
    })

    it('is attached to the Sluice as long as the Knex instance is instrumented', async () => {
      const own = createSluice()
      const first = withSluice(knex(database.knexConfig()), own)
      expect(hostOf(own).connections.first(dialect)?.dialect).toBe(dialect)
      expect(await hostOf(own).connections.first()?.query('SELECT name FROM region WHERE id = 1')).toEqual([
        { name: 'region 1' },
      ])
      unsluice(first)
      expect(hostOf(own).connections.all()).toEqual([])
      withSluice(first, own)
      expect(hostOf(own).connections.all()).toHaveLength(1)
      await first.destroy()
      expect(hostOf(own).connections.all()).toEqual([])
    })

    it('is attached from an adapter’s first connection until the adapter is disposed of', async () => {
      const own = createSluice()
      const factory = sluiceAdapter(createAdapter(dialect, database), own)
      expect(hostOf(own).connections.all()).toEqual([])
      const adapter = await factory.connect()
      expect(
        await hostOf(own).connections.first(dialect)?.query('SELECT name FROM region WHERE id = 1'),
      ).toEqual([{ name: 'region 1' }])
      await adapter.dispose()
      expect(hostOf(own).connections.all()).toEqual([])
    })

    it('sees the state of a Knex transaction without recording its own statements', async () => {
      await db
        .transaction(async (trx) => {
          const connection = knexConnection(trx)
          await connection.query(`INSERT INTO region (id, name) VALUES (99, 'new')`)
          expect(
            await connection.session?.((session) => session.query('SELECT name FROM region WHERE id = 99')),
          ).toEqual([{ name: 'new' }])
          await trx.rollback()
        })
        .catch(() => {})
      expect(await database.query('SELECT name FROM region WHERE id = 99')).toEqual([])
    })

    it.skipIf(dialect === 'sqlite')(
      'takes no pool connection for a session, and configures its connection like the pool',
      async () => {
        const config = database.knexConfig()
        const made: object[] = []
        const pool = {
          min: 0,
          max: 1,
          afterCreate: (connection: object, done: (error: unknown, connection: object) => void) => {
            made.push(connection)
            done(undefined, connection)
          },
        }
        const one = knex({ ...config, pool })
        try {
          const both = await knexConnection(one).session?.(async (session) => [
            await session.query('SELECT 1 AS a'),
            await one.raw('SELECT 2 AS b'),
          ])
          expect(both).toHaveLength(2)
          expect(made).toHaveLength(2)
        } finally {
          await one.destroy()
        }
      },
    )

    it('rejects a value that is not a Knex instance', () => {
      expect(() => knexConnection({} as Knex)).toThrow('a Knex instance')
    })
  })
}
