import * as orm from 'drizzle-orm'
import * as betterSqlite3 from 'drizzle-orm/better-sqlite3'
import * as mysqlCore from 'drizzle-orm/mysql-core'
import * as mysql2 from 'drizzle-orm/mysql2'
import * as nodePg from 'drizzle-orm/node-postgres'
import * as pgCore from 'drizzle-orm/pg-core'
import * as sqliteCore from 'drizzle-orm/sqlite-core'
import * as candidate from 'drizzle-orm1'
import * as candidateSqlite3 from 'drizzle-orm1/better-sqlite3'
import * as candidateMysqlCore from 'drizzle-orm1/mysql-core'
import * as candidateMysql2 from 'drizzle-orm1/mysql2'
import * as candidateNodePg from 'drizzle-orm1/node-postgres'
import * as candidatePgCore from 'drizzle-orm1/pg-core'
import * as candidateSqliteCore from 'drizzle-orm1/sqlite-core'

/** The modules of one version. They have the types of the current version, as far as the tests use them. */
interface Modules {
  readonly orm: typeof orm
  readonly pgCore: typeof pgCore
  readonly nodePg: typeof nodePg
  readonly mysqlCore: typeof mysqlCore
  readonly mysql2: typeof mysql2
  readonly sqliteCore: typeof sqliteCore
  readonly betterSqlite3: typeof betterSqlite3
}

export interface DrizzleVersion extends Modules {
  readonly name: string
  /** The options for `drizzle()` by which `db.query` knows the tables. */
  relational(tables: Record<string, unknown>): object
  /** The filter of a relational query. */
  where(column: orm.Column, value: number): object
}

/** Every version that `@sluice/drizzle` supports. */
export const drizzleVersions: readonly DrizzleVersion[] = [
  {
    name: '0.45',
    orm,
    pgCore,
    nodePg,
    mysqlCore,
    mysql2,
    sqliteCore,
    betterSqlite3,
    relational: (schema) => ({ schema, mode: 'default' }),
    where: (column, value) => ({ where: orm.eq(column, value) }),
  },
  {
    name: '1.0',
    ...({
      orm: candidate,
      pgCore: candidatePgCore,
      nodePg: candidateNodePg,
      mysqlCore: candidateMysqlCore,
      mysql2: candidateMysql2,
      sqliteCore: candidateSqliteCore,
      betterSqlite3: candidateSqlite3,
    } as unknown as Modules),
    relational: (tables) => ({ relations: candidate.defineRelations(tables as never) }),
    where: (column, value) => ({ where: { [column.name]: value } }),
  },
]
