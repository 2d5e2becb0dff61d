import { guarded } from '../guarded.ts'
import type { MysqlPool } from '../seams/mysql.ts'
import {
  boundConnection,
  lazyMysqlConnection,
  lazyPgConnection,
  sendFromOrigin,
} from '../seams/orms/typeorm-connections.ts'
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

/**
 * Keeps the stacks of the app's calls, and gives the app the connection itself if it asks a query runner of
 * PostgreSQL or MySQL for it.
 */
export function patchTypeormRunner(exports: unknown): unknown {
  for (const [name, runner] of Object.entries(exports as Classes))
    if (/^(?:Postgres|Mysql)QueryRunner$/.test(name)) patchRunnerClass(runner?.prototype as Prototype)
    else if (name.endsWith('QueryRunner') && Object.hasOwn(runner?.prototype ?? {}, 'query'))
      patchQuery(runner?.prototype as Prototype)
  return exports
}

const patched = new WeakSet<Prototype>()

/** Patches a class of query runners that take connections, once. */
export function patchRunnerClass(prototype: Prototype): void {
  if (patched.has(prototype)) return
  const { connect } = methodsOf('TypeORM', prototype, 'connect')
  patchQuery(prototype)
  prototype.connect = function (...args) {
    const connected = connect.apply(this, args)
    return isForQuery ? connected : (connected as Promise<unknown>).then(boundConnection)
  }
}

/**
 * Patches the method of a class of query runners that sends statements, once. Before it sends one, it awaits,
 * and methods such as `findOneBy` return its promise: then no stack leads to the app.
 */
export function patchQuery(prototype: Prototype): void {
  if (patched.has(prototype)) return
  const { query } = methodsOf('TypeORM', prototype, 'query')
  patched.add(prototype)
  prototype.query = function (...args) {
    const before = isForQuery
    isForQuery = true
    try {
      return sendFromOrigin(String(args[0]), () => query.apply(this, args))
    } finally {
      isForQuery = before
    }
  }
}
