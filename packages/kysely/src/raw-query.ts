import type { CompiledQuery, RawNode } from 'kysely'

/**
 * A query as `CompiledQuery.raw` creates it. Kysely itself is not loaded: an app can use a different copy
 * from this package.
 */
export function rawQuery(sql: string, parameters: readonly unknown[] = []): CompiledQuery {
  const query: RawNode = { kind: 'RawNode', sqlFragments: [sql], parameters: [] }
  return { sql, query, parameters, queryId: { queryId: 'sluice' } }
}
