import {
  type AdapterClient,
  attachClient,
  type ClientDescription,
  type EqualitySelect,
  type PoolDescription,
  registerMovedFrames,
  registerOwnFrames,
} from '@sluice/core/adapter'
import type { Orm } from '../callers.ts'
import { drizzleDescription } from '../drizzle.ts'
import { sequelizeFix } from './sequelize.ts'
import { libsqlFix, mysqlFix, pgFix, pgPromiseFix, postgresFix, sqlite3Fix, sqliteFix } from './sql-fix.ts'
import { typeormFix } from './typeorm.ts'

const moduleUrl = import.meta.url

registerOwnFrames(
  moduleUrl,
  '@libsql/client',
  'better-sqlite3',
  'mariadb',
  'mysql',
  'pg-promise',
  'postgres',
  'sequelize',
  'sequelize-pool',
  'sqlite3',
  'typeorm',
)
// Its source maps lead out of `node_modules`: to `src` of the app.
registerMovedFrames(
  'typeorm',
  /[\\/]src[\\/](?:data-source[\\/]DataSource|driver[\\/][\w-]{1,40}[\\/]\w{1,40}QueryRunner|entity-manager[\\/]\w{0,40}EntityManager|persistence[\\/](?:EntityPersist|Subject)Executor|query-builder[\\/](?:\w{1,40}QueryBuilder|Relation\w{0,40}Loader)|repository[\\/](?:BaseEntity|(?:Mongo|Tree)?Repository))\.ts$/,
)

type Fix = (select: EqualitySelect) => string | undefined

const FIXES: Partial<Record<Orm, Fix>> = {
  Sequelize: sequelizeFix,
  TypeORM: typeormFix,
  'pg-promise': pgPromiseFix,
}

const DRIVER_FIXES: Readonly<Record<string, Fix>> = {
  '@libsql/client': libsqlFix,
  'better-sqlite3': sqliteFix,
  'node:sqlite': sqliteFix,
  mariadb: mysqlFix,
  mysql: mysqlFix,
  mysql2: mysqlFix,
  pg: pgFix,
  postgres: postgresFix,
  sqlite3: sqlite3Fix,
}

/** They write values into the text of selects: Sequelize all, TypeORM the integers of `IN`. */
const WRITE_LITERALS: ReadonlySet<Orm | undefined> = new Set(['Sequelize', 'TypeORM'])

/** How a driver is described whose statements an ORM sends; without one, the app itself. */
export function driverDescription(driver: string, orm: Orm | undefined): PoolDescription {
  if (orm === 'Drizzle') return drizzleDescription()
  const fix = orm === undefined ? DRIVER_FIXES[driver] : FIXES[orm]
  const writesLiterals = WRITE_LITERALS.has(orm)
  return { orm: orm?.toLowerCase() ?? driver, moduleUrl, writesLiterals, ...(fix && { fix }) }
}

/**
 * Instruments a client of a driver.
 *
 * @param orm - The ORM that sends its statements; without one, the app itself.
 */
export function attachDriver(
  sluice: object,
  driver: string,
  orm: Orm | undefined,
  client: Omit<ClientDescription, 'orm' | 'moduleUrl' | 'fix'>,
): AdapterClient {
  const { orm: name = driver, moduleUrl: url = moduleUrl, fix } = driverDescription(driver, orm)
  return attachClient(sluice, { ...client, orm: name, moduleUrl: url, ...(fix && { fix }) })
}
