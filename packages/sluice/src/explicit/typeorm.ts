import { InvalidArgumentError, type Sluice, type SluiceOptions, sluiceFrom } from '@sluice/core'
import { hostOf, isMysql2Pool, isPgPool, isSqliteDatabase, sluiceSqlite } from '@sluice/core/adapter'
import { guarded } from '../guarded.ts'
import type { Prototype } from '../patches/mysql.ts'
import { type Obtain, patchObtain, patchQuery, patchRunnerClass } from '../patches/typeorm.ts'
import { adaptedOrms } from '../process-state.ts'
import type { MysqlPool } from '../seams/mysql.ts'
import { driverDescription } from '../seams/orms/driver-description.ts'
import { rememberDataSource } from '../seams/orms/typeorm.ts'
import { lazyMysqlConnection, lazyPgConnection } from '../seams/orms/typeorm-connections.ts'
import type { PgPool } from '../seams/pg.ts'
import { attachOnce } from './attach-once.ts'
import { attachMysqlPool, attachPgPool } from './pools.ts'
import { replaceMethods } from './replace-methods.ts'

/** The members of a `DataSource` of TypeORM that Sluice uses. */
export interface TypeormDataSource {
  readonly isInitialized: boolean
  readonly driver: object
  readonly options: { readonly type: string }
  initialize(): Promise<unknown>
}

/** The members of TypeORM's drivers that Sluice uses or replaces. */
interface Driver {
  /** PostgreSQL. */
  master?: PgPool
  slaves?: readonly PgPool[]
  /** MySQL and MariaDB; with replication, there is a cluster of pools instead. */
  pool?: MysqlPool & { readonly end: (...args: unknown[]) => unknown }
  /** SQLite. */
  databaseConnection?: object
  readonly queryRunner?: { readonly stmtCache?: Map<string, unknown> }
  createQueryRunner(mode: string): object
}

const TYPES = ['postgres', 'mysql', 'mariadb', 'better-sqlite3']

/**
 * Attaches a data source of TypeORM to a Sluice, and returns it. If it is not initialized, Sluice attaches to
 * each connection pool that it creates when it is. One that is already attached stays unchanged.
 *
 * Its driver must be `pg`, `mysql2` (MySQL, MariaDB), or `better-sqlite3`, which Sluice only observes. A data
 * source with any other driver, or with `replication` on MySQL, stays unchanged, with a warning.
 *
 * @param sluice - A Sluice, or options to create one. Default: the process-wide Sluice, which observes.
 * @throws InvalidArgumentError if the first argument is not a data source; InvalidOptionError for unknown
 * options.
 * @example
 * ```ts
 * const dataSource = withSluice(new DataSource({ type: 'postgres', url, entities }), sluice)
 * await dataSource.initialize()
 * ```
 */
export function withSluice<TDataSource extends TypeormDataSource>(
  dataSource: TDataSource,
  sluice?: Sluice | SluiceOptions,
): TDataSource {
  if (!isDataSource(dataSource))
    throw new InvalidArgumentError('dataSource', 'a DataSource of TypeORM', dataSource)
  const used = sluiceFrom(sluice)
  const { type } = dataSource.options
  if (TYPES.includes(type)) attachOnce(dataSource, used, () => attach(dataSource, used))
  else warn(used, `this data source is of type ${type}`)
  return dataSource
}

function isDataSource(value: Partial<TypeormDataSource> | null | undefined): boolean {
  return (
    typeof value?.initialize === 'function' &&
    typeof value.options?.type === 'string' &&
    value.driver instanceof Object
  )
}

function warn(sluice: Sluice, found: string): void {
  hostOf(sluice).warn(
    `sluice/typeorm works with pg, mysql2 and better-sqlite3; ${found}. Its queries pass through. With sluice/register, Sluice observes more drivers.`,
  )
}

function attach(dataSource: TypeormDataSource, sluice: Sluice): () => void {
  const driver = dataSource.driver as Driver
  let releasePools = () => {}
  const connected = () => {
    // Those of a connection that has ended.
    releasePools()
    releasePools = guarded('TypeORM', () => attachPools(driver, sluice)) ?? (() => {})
  }
  rememberDataSource(dataSource)
  if (dataSource.isInitialized) connected()
  const restore = replaceMethods(driver, {
    connect: (connect) => async () => {
      await unseen(connect)
      connected()
    },
  })
  return () => {
    restore()
    releasePools()
  }
}

/** The drivers that connect now. */
let connecting = 0

/** Connects a driver without `sluice/register`, which otherwise attaches to the pool itself. */
async function unseen(connect: () => unknown): Promise<void> {
  connecting += 1
  adaptedOrms.add('TypeORM')
  try {
    await connect()
  } finally {
    connecting -= 1
    if (connecting === 0) adaptedOrms.delete('TypeORM')
  }
}

/** Replaces the pools of a connected driver, until it disconnects. */
function attachPools(driver: Driver, sluice: Sluice): (() => void) | undefined {
  const { master, slaves = [], pool, databaseConnection: database } = driver
  if (master !== undefined && isPgPool(master)) {
    const first = attachPgPool(master, sluice, 'TypeORM')
    const others = slaves.map((one) => attachPgPool(one, sluice, 'TypeORM'))
    driver.master = first.standIn
    driver.slaves = others.map(({ standIn }) => standIn)
    const restore = takeLate(driver, () => lazyPgConnection(first.standIn, first.standIn))
    return () => {
      restore()
      if (driver.master !== first.standIn) return
      Object.assign(driver, { master, slaves })
      for (const { release } of [first, ...others]) release()
    }
  }
  if (pool !== undefined && isMysql2Pool(pool)) {
    const { standIn, release } = attachMysqlPool(pool, sluice, 'TypeORM')
    driver.pool = standIn
    const restore = takeLate(driver, (obtain) => lazyMysqlConnection(standIn, obtain, standIn))
    return () => {
      restore()
      if (driver.pool !== standIn) return
      Object.assign(driver, { pool })
      release()
    }
  }
  if (database !== undefined && isSqliteDatabase(database)) {
    const standIn = sluiceSqlite(database, sluice, driverDescription('better-sqlite3', 'TypeORM'))
    const use = (connection: object) => {
      driver.databaseConnection = connection
      // It prepared its statements on the connection before.
      driver.queryRunner?.stmtCache?.clear()
    }
    use(standIn)
    patchQuery(runnerClass(driver))
    return () => {
      if (driver.databaseConnection === standIn) use(database)
    }
  }
  warn(sluice, 'this data source has another driver, or replication')
  return undefined
}

/** Lets query runners take connections when they need them. */
function takeLate(driver: Driver, lazyOf: (obtain: Obtain) => unknown): () => void {
  patchRunnerClass(runnerClass(driver))
  patchObtain<Driver>(driver as never, (_, obtain) => lazyOf(obtain))
  // It was that of its class.
  return () => void Reflect.deleteProperty(driver, 'obtainMasterConnection')
}

function runnerClass(driver: Driver): Prototype {
  return Object.getPrototypeOf(driver.createQueryRunner('master'))
}
