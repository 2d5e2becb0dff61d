import { guarded } from '../guarded.ts'
import { clientNow, type PgClient, type PgPool, poolNow, releasePool } from '../seams/pg.ts'

/** Attaches to each pool of `pg` when it is first used. */
export function patchPgPool(exports: unknown): unknown {
  const { prototype } = exports as { readonly prototype: PgPool }
  const { query, connect, end } = prototype
  if (![query, connect, end].every((method) => typeof method === 'function'))
    throw new Error('This version of pg-pool has no query, connect or end.')
  const original: PgPool = { query, connect, end }
  for (const name of ['query', 'connect'] as const)
    prototype[name] = function (this: PgPool, ...args) {
      const pool = guarded('pg', () => poolNow(this, original))
      return pool === undefined ? original[name].apply(this, args) : pool[name](...args)
    }
  prototype.end = function (this: PgPool, ...args) {
    guarded('pg', () => releasePool(this))
    return end.apply(this, args)
  }
  return exports
}

/** Attaches to each client of `pg` whose statements no pool and no adapter sees. */
export function patchPgClient(exports: unknown): unknown {
  const { prototype } = (exports as { readonly Client: { readonly prototype: PgClient } }).Client
  const { query } = prototype
  if (typeof query !== 'function') throw new Error('This version of pg has no Client.prototype.query.')
  prototype.query = function (this: PgClient, ...args) {
    const client = guarded('pg', () => clientNow(this))
    return client === undefined ? query.apply(this, args) : client.query(...args)
  }
  return exports
}
