import { guarded } from '../guarded.ts'
import type { MysqlPool } from '../seams/mysql.ts'
import { boundConnection, lazyMysqlConnection, lazyPgConnection } from '../seams/orms/typeorm-connections.ts'
import type { PgPool } from '../seams/pg.ts'
import { methodsOf, type Prototype } from './mysql.ts'

interface PostgresDriver {
  readonly master?: PgPool
}

interface MysqlDriver {
  /** `undefined`, if it has replicas. */
  readonly pool?: MysqlPool
}

type Classes = Readonly<Record<string, { readonly prototype: Prototype } | undefined>>
export type Obtain = () => Promise<unknown>

/** Lets query runners of TypeORM on PostgreSQL and MySQL take connections when they need them. */
export function patchTypeormDriver(exports: unknown): unknown {
  const { PostgresDriver, MysqlDriver } = exports as Classes
  if (PostgresDriver !== undefined)
    patchObtain(PostgresDriver.prototype, ({ master }: PostgresDriver) => master && lazyPgConnection(master))
  if (MysqlDriver !== undefined)
    patchObtain(
      MysqlDriver.prototype,
      ({ pool }: MysqlDriver, obtain) => pool && lazyMysqlConnection(pool, obtain),
    )
  return exports
}

/** Whether a query runner asks for a connection now, for a query: not the app. */
let isForQuery = false

/** Lets query runners of a driver, or of a class of drivers, take connections when they need them. */
export function patchObtain<TDriver>(
  prototype: Prototype,
  lazyOf: (driver: TDriver, obtain: Obtain) => unknown,
): void {
  const { obtainMasterConnection } = methodsOf('TypeORM', prototype, 'obtainMasterConnection')
  prototype.obtainMasterConnection = function (this: TDriver) {
    const obtain = () => obtainMasterConnection.call(this) as Promise<unknown>
    const lazy = isForQuery ? guarded('TypeORM', () => lazyOf(this, obtain)) : undefined
    return lazy === undefined ? obtain() : Promise.resolve(lazy)
  }
}

/** The app receives the connection itself, if it asks a query runner for it. */
export function patchTypeormRunner(exports: unknown): unknown {
  const { PostgresQueryRunner, MysqlQueryRunner } = exports as Classes
  for (const runner of [PostgresQueryRunner, MysqlQueryRunner])
    if (runner !== undefined) patchRunnerClass(runner.prototype)
  return exports
}

const patched = new WeakSet<Prototype>()

/** Patches a class of query runners once. */
export function patchRunnerClass(prototype: Prototype): void {
  if (patched.has(prototype)) return
  patched.add(prototype)
  const { query, connect } = methodsOf('TypeORM', prototype, 'query', 'connect')
  prototype.query = function (...args) {
    const before = isForQuery
    isForQuery = true
    try {
      return query.apply(this, args)
    } finally {
      isForQuery = before
    }
  }
  prototype.connect = function (...args) {
    const connected = connect.apply(this, args)
    return isForQuery ? connected : (connected as Promise<unknown>).then(boundConnection)
  }
}
