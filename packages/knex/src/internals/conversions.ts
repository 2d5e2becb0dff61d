import { bindsDate, Mysql2Conversions, PgTypeParsers } from '@sluice/core/adapter'
import type { ClientInternals } from './types.ts'

/** How the driver of an instance converts values. Apps can change that at any time. */
export interface Conversions {
  /**
   * Identifies it for a query with these values, in this process, at this moment.
   *
   * @returns `undefined`: connections convert values differently from each other.
   */
  current(values: readonly unknown[]): string | undefined
  /**
   * Identifies it in every process, besides the settings of the instance.
   *
   * @param ownTypes - The OIDs of PostgreSQL types created by extensions and users.
   * @returns `undefined`: unknown.
   */
  shared(ownTypes: readonly number[]): string | undefined
  /** Called with each response of the driver. Default: it contains nothing about conversions. */
  received?(response: unknown): void
}

const DRIVERS: Readonly<Record<string, (client: WeakRef<ClientInternals>) => Conversions>> = {
  pg: conversionsOfPg,
  pgnative: conversionsOfPg,
  mysql: conversionsOfMysql,
  mysql2: conversionsOfMysql,
  'better-sqlite3': conversionsOfSqlite,
}

/** @param client - Is not kept alive. */
export function conversionsOf(client: ClientInternals): Conversions {
  const { driverName = '' } = client
  const known = Object.hasOwn(DRIVERS, driverName) ? DRIVERS[driverName]?.(new WeakRef(client)) : undefined
  return known ?? { current: () => '', shared: () => '' }
}

/** The driver's connections in Knex's default pool. */
function* connectionsOf(client: ClientInternals | undefined): Iterable<object> {
  const { free, used } = (client?.pool ?? {}) as { readonly free?: unknown; readonly used?: unknown }
  for (const resources of [free, used]) {
    if (!Array.isArray(resources)) continue
    for (const { resource } of resources as readonly { readonly resource?: unknown }[])
      if (typeof resource === 'object' && resource !== null) yield resource
  }
}

function conversionsOfPg(held: WeakRef<ClientInternals>): Conversions {
  let hadConnection = false
  const parsers = new PgTypeParsers(undefined, function* () {
    const client = held.deref()
    for (const connection of connectionsOf(client)) {
      hadConnection = true
      yield connection
    }
    if (!hadConnection) yield (client?.driver as { readonly types?: unknown } | undefined)?.types
  })
  return {
    current(values) {
      const version = parsers.ofQuery(undefined)
      if (version === undefined || !bindsDate(values)) return version
      const { defaults } = (held.deref()?.driver ?? {}) as {
        readonly defaults?: { readonly parseInputDatesAsUTC?: unknown }
      }
      return defaults === undefined ? undefined : `${version} ${Boolean(defaults.parseInputDatesAsUTC)}`
    },
    shared: (ownTypes) => parsers.ofClients(ownTypes),
    received(response) {
      const { fields, _parsers: used } = (response ?? {}) as {
        readonly fields?: readonly unknown[]
        readonly _parsers?: readonly unknown[]
      }
      if (Array.isArray(fields)) parsers.add(fields, used)
    },
  }
}

function conversionsOfMysql(held: WeakRef<ClientInternals>): Conversions {
  const options = new Mysql2Conversions(function* () {
    for (const { config } of connectionsOf(held.deref()) as Iterable<{ readonly config?: object }>)
      if (config !== undefined) yield config as Readonly<Record<string, unknown>>
  })
  return { current: () => options.current(), shared: () => options.shared() }
}

/** A connection of `better-sqlite3`. */
interface SqliteConnection {
  prepare(sql: string): { pluck(): { get(): unknown } }
  defaultSafeIntegers(...args: unknown[]): unknown
}

/** Connections do not expose whether they return integers as `bigint`, so their own setter is replaced. */
function conversionsOfSqlite(held: WeakRef<ClientInternals>): Conversions {
  const safe = new WeakMap<object, boolean>()
  const isSafe = (connection: SqliteConnection): boolean => {
    let known = safe.get(connection)
    if (known === undefined) {
      known = typeof connection.prepare('SELECT 1').pluck().get() === 'bigint'
      safe.set(connection, known)
      const { defaultSafeIntegers } = connection
      connection.defaultSafeIntegers = (...args) => {
        safe.delete(connection)
        const result = defaultSafeIntegers.apply(connection, args)
        connection.defaultSafeIntegers = defaultSafeIntegers
        return result
      }
    }
    return known
  }
  const current = (): string | undefined => {
    let first: boolean | undefined
    for (const connection of connectionsOf(held.deref()) as Iterable<SqliteConnection>) {
      if (typeof connection.defaultSafeIntegers !== 'function') continue
      const one = isSafe(connection)
      first ??= one
      if (one !== first) return undefined
    }
    return first === true ? 'bigint' : ''
  }
  return { current, shared: current }
}
