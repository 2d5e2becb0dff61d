import { isSending, sending, sluicePool } from '@sluice/core/adapter'
import { guarded } from '../guarded.ts'
import { DriverClient } from './driver-clients.ts'
import { drizzleClient } from './drizzle.ts'
import { driverDescription } from './orms/driver-description.ts'

type Method = (...args: unknown[]) => unknown

interface PgPool {
  query: Method
  connect: Method
  end: Method
}

interface PgClient {
  query: Method
  readonly host?: unknown
  readonly port?: unknown
  readonly database?: unknown
  readonly user?: unknown
}

/** Attaches to each pool of `pg` when it is first used. */
export function patchPgPool(exports: unknown): unknown {
  const { prototype } = exports as { readonly prototype: PgPool }
  const { query, connect, end } = prototype
  if (![query, connect, end].every((method) => typeof method === 'function'))
    throw new Error('This version of pg-pool has no query, connect or end.')
  const original: PgPool = { query, connect, end }
  const pools = new WeakMap<object, PoolSeam>()
  const seamOf = (pool: PgPool): PoolSeam => {
    let seam = pools.get(pool)
    if (seam === undefined) {
      seam = new PoolSeam(pool, original)
      pools.set(pool, seam)
    }
    return seam
  }
  const standInOf = (pool: PgPool) =>
    isSending() ? undefined : guarded('pg', () => seamOf(pool).client.standInNow())
  prototype.query = function (this: PgPool, ...args) {
    return (standInOf(this)?.query ?? seamOf(this).query)(...args)
  }
  prototype.connect = function (this: PgPool, ...args) {
    const standIn = standInOf(this)
    return standIn === undefined ? connect.apply(this, args) : standIn.connect(...args)
  }
  prototype.end = function (this: PgPool, ...args) {
    guarded('pg', () => pools.get(this)?.client.attachment?.release())
    return end.apply(this, args)
  }
  return exports
}

class PoolSeam {
  readonly client: DriverClient<PgPool>

  constructor(
    private readonly pool: PgPool,
    private readonly original: PgPool,
  ) {
    this.client = new DriverClient('pg.Pool', (sluice, orm) => {
      const view = this.#view()
      const standIn =
        orm === 'Drizzle'
          ? drizzleClient(view, sluice)
          : sluicePool(view, sluice, driverDescription('pg', orm))
      return { standIn, release: () => void standIn.end() }
    })
  }

  /** `query` as it is without Sluice. The pool's clients must not see its statement again. */
  readonly query: Method = (...args) => this.#queryBy(this.original.connect.bind(this.pool), args)

  #queryBy(connect: Method, args: readonly unknown[]): unknown {
    const connectUnseen: Method = (callback, ...rest) =>
      connect((...results: unknown[]) => sending({ send: () => (callback as Method)(...results) }), ...rest)
    return this.original.query.apply(viewOf(this.pool, { connect: connectUnseen }), [...args])
  }

  /** The pool without Sluice. What the stand-in replaces in it is not seen by the app. */
  #view(): PgPool {
    const members: Map<PropertyKey, unknown> = new Map<PropertyKey, unknown>([
      ['query', (...args: unknown[]) => this.#queryBy(members.get('connect') as Method, args)],
      ['connect', this.original.connect.bind(this.pool)],
      // The stand-in of a pool is released before the pool itself ends.
      ['end', () => {}],
    ])
    return new Proxy(this.pool, {
      get: (pool, name) => (members.has(name) ? members.get(name) : memberOf(pool, name)),
      set: (pool, name, value) =>
        members.has(name) ? members.set(name, value) !== undefined : Reflect.set(pool, name, value),
    })
  }
}

function viewOf(pool: PgPool, members: Readonly<Record<string, unknown>>): PgPool {
  return new Proxy(pool, {
    get: (_, name) =>
      typeof name === 'string' && Object.hasOwn(members, name) ? members[name] : memberOf(pool, name),
  })
}

function memberOf(pool: PgPool, name: PropertyKey): unknown {
  const value: unknown = Reflect.get(pool, name)
  return typeof value === 'function' ? value.bind(pool) : value
}

/** Attaches to each client of `pg` whose statements no pool and no adapter sees. */
export function patchPgClient(exports: unknown): unknown {
  const { Client } = exports as { readonly Client: { readonly prototype: PgClient } }
  const { prototype } = Client
  const { query } = prototype
  if (typeof query !== 'function') throw new Error('This version of pg has no Client.prototype.query.')
  const databases = new Map<string, ClientsOfDatabase>()
  prototype.query = function (this: PgClient, ...args) {
    const standIn = isSending()
      ? undefined
      : guarded('pg', () => {
          const { host, port, database, user } = this
          const key = [host, port, database, user].join('\n')
          let clients = databases.get(key)
          if (clients === undefined) {
            clients = new ClientsOfDatabase()
            databases.set(key, clients)
          }
          return clients.standInOf(this)
        })
    return standIn === undefined ? query.apply(this, args) : standIn.query(...args)
  }
  return exports
}

/** The clients of one database that no pool has created. */
class ClientsOfDatabase {
  readonly #client = new DriverClient<(client: PgClient) => PgClient>('pg.Client', (sluice, orm) => {
    let current: PgClient | undefined
    // It is ending: it has no client for statements of Sluice itself.
    const clients = {
      ending: true,
      connect: (take: Method) => take(undefined, current),
      on() {},
      removeListener() {},
    }
    const pool = sluicePool(clients, sluice, driverDescription('pg', orm))
    const standIns = new WeakMap<PgClient, PgClient>()
    const standInOf = (client: PgClient): PgClient => {
      let standIn = standIns.get(client)
      if (standIn === undefined) {
        current = client
        pool.connect((_: unknown, taken: unknown) => {
          standIn = taken as PgClient
        })
        current = undefined
        standIns.set(client, standIn as unknown as PgClient)
      }
      return standIn as unknown as PgClient
    }
    return { standIn: standInOf, release: () => {} }
  })

  standInOf(client: PgClient): PgClient | undefined {
    return this.#client.standInNow()?.(client)
  }
}
