import type { Dialect } from '@sluice/core'
import {
  type AdapterHost,
  type CatalogTable,
  type RowLoader,
  readCatalog,
  type SchemaCatalog,
} from '@sluice/core/adapter'
import type { Knex } from 'knex'
import { clientOf, databaseName, isDestroyed } from './internals/client.ts'
import { rowsOf } from './internals/response.ts'
import type { ClientInternals } from './internals/types.ts'

/**
 * Loads rows through a Knex instance, like a `whereIn` of the app. Does not keep the instance alive.
 *
 * @param base - The client's class before instrumentation: the statements that read the catalog are not
 * statements of the app.
 */
export function knexRowLoader(
  knex: Knex,
  host: AdapterHost,
  sourceId: string,
  base: ClientInternals,
  dialect: Dialect,
): RowLoader {
  const instance = new WeakRef(knex)
  // The instance keeps it alive. Jest discards the classes of each test file.
  const heldBase = new WeakRef(base)
  let own: Promise<SchemaCatalog> | undefined
  const fresh = (from: Knex) => {
    own = readTables(from, heldBase.deref(), dialect)
    return own
  }
  return {
    dialect,
    async target(table, field) {
      const knex = instance.deref()
      if (knex === undefined || isDestroyed(knex)) return undefined
      const known = host.catalogs.of(sourceId) ?? (await (own ?? fresh(knex)))
      // The table may have been created since: the catalog is read again, once.
      const found = find(known, table) ?? find(await fresh(knex), table)
      const client = clientOf(knex)
      if (found === undefined || client === undefined) return undefined
      const name = databaseName(client, field, undefined)
      const same = (column: string) =>
        column === name || (dialect !== 'postgresql' && column.toLowerCase() === name.toLowerCase())
      const column = found.columns.find((one) => same(one.name))
      if (column === undefined) return undefined
      return {
        type: column.type,
        // `postProcessResponse` may have renamed it.
        keyOf: (row) => (field in row ? row[field] : row[column.name]),
        load: async (keys) =>
          (await knex(table).whereIn(field, keys as Knex.Value[])) as Record<string, unknown>[],
      }
    },
  }
}

function find(catalog: SchemaCatalog, table: string): CatalogTable | undefined {
  return catalog.tables.get(catalog.idOf(table.split('.')))
}

async function readTables(
  knex: Knex,
  base: ClientInternals | undefined,
  dialect: Dialect,
): Promise<SchemaCatalog> {
  const client = clientOf(knex)
  if (client === undefined || base === undefined) throw new TypeError('This Knex instance has no client.')
  const connection = await client.acquireConnection()
  try {
    return await readCatalog({
      dialect,
      query: async (sql, bindings = []) =>
        rowsOf((await base._query.call(client, connection, { sql, bindings, method: 'raw' })).response),
    })
  } finally {
    await client.releaseConnection(connection)
  }
}
