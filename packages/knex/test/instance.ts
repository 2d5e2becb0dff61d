import { createSluice, type Dialect } from '@sluice/core'
import {
  type CatalogData,
  hostOf,
  isRefusal,
  type Lookup,
  SchemaCatalog,
  type TableInfo,
} from '@sluice/core/adapter'
import knex, { type Knex } from 'knex'
import { StatementPlans } from '../../core/src/adapter/statement-plan.ts'
import type { InstanceContext } from '../src/instance-context.ts'
import { clientOf } from '../src/internals/client.ts'
import type { BuilderInternals } from '../src/internals/types.ts'
import { KnexLookups } from '../src/knex-lookups.ts'
import { RowSources } from '../src/row-sources.ts'

const CLIENTS: Readonly<Record<Dialect, string>> = {
  sqlite: 'better-sqlite3',
  postgresql: 'pg',
  mysql: 'mysql2',
}

const column = (name: string, type: 'integer' | 'text' | 'float' = 'integer', nullable = false) => ({
  name,
  type,
  nullable,
})

const tables: readonly TableInfo[] = [
  {
    name: 'reviews',
    kind: 'table',
    columns: [
      column('id'),
      column('tenant_id'),
      column('city_id'),
      column('slug', 'text'),
      column('stars'),
      column('score', 'float', true),
      column('deleted_at', 'text', true),
    ],
    primaryKey: ['id'],
    uniqueKeys: [['tenant_id', 'slug']],
  },
  { name: 'overview', kind: 'view', columns: [column('id')], primaryKey: [], uniqueKeys: [] },
]

function catalogFor(dialect: Dialect): SchemaCatalog {
  const data: CatalogData = { dialect, defaultSchema: 'main', tables, foreignKeys: [] }
  const id = new SchemaCatalog(data).idOf(['reviews'])
  const key = (name: string) => ({
    table: id,
    columns: [name],
    references: `${name}s`,
    referencedColumns: ['id'],
  })
  const actions = { onDelete: 'NoAction', onUpdate: 'NoAction' } as const
  return new SchemaCatalog({
    ...data,
    foreignKeys: [key('tenant_id'), key('city_id')].map((parts) => ({ ...parts, ...actions })),
  })
}

export interface TestInstance {
  readonly db: Knex
  readonly context: InstanceContext
  readonly lookups: KnexLookups
  readonly sources: RowSources
  /** The rows that the database returns for merged queries. */
  answer: unknown[]
  /** The merged queries that were sent. */
  readonly sent: { readonly sql: string; readonly bindings: readonly unknown[] }[]
  /** The lookup of a builder; throws if the builder is refused. */
  lookup(builder: Knex.QueryBuilder): Lookup
  /** Why a builder is not merged. */
  refusal(builder: Knex.QueryBuilder): string | undefined
  rowSource(builder: Knex.QueryBuilder): ReturnType<RowSources['of']>
}

/** An instance without a database, which records merged queries. */
export function testInstance(
  dialect: Dialect,
  config: Knex.Config = {},
  withCatalog = true,
  maxExtraRows = 0,
): TestInstance {
  const host = hostOf(createSluice({ mode: 'optimize', batch: { maxExtraRows } }))
  if (withCatalog) host.catalogs.set('test', catalogFor(dialect))
  const db = knex({ client: CLIENTS[dialect], useNullAsDefault: true, ...config })
  const client = clientOf(db)
  if (client === undefined) throw new Error('Expected to know the client.')
  const sent: TestInstance['sent'] = []
  const context: InstanceContext = {
    source: { id: 'test', orm: 'knex', dialect, seesStatements: true },
    host,
    runRaw(_, builder) {
      const { sql, bindings } = (builder as unknown as Knex.QueryBuilder).toSQL()
      sent.push({ sql, bindings })
      return Promise.resolve(instance.answer)
    },
    conversions: { current: () => '', shared: () => '' },
    plans: new StatementPlans({
      sourceId: 'test',
      dialect,
      catalogs: host.catalogs,
      fix: undefined,
      seen() {},
      areShared: () => true,
      sharedVersion: () => 0,
    }),
    isMigrationTable: () => false,
    gainOf: () => undefined,
    readsOf: () => undefined,
    mayRewrite: () => false,
    lookupOf: (of, builder) => lookups.lookupOf(of, builder),
    rowSourceOf: (of, builder) => sources.of(of, builder),
  }
  const lookups = new KnexLookups(context)
  const sources = new RowSources(context)
  const internals = (builder: Knex.QueryBuilder) => builder as unknown as BuilderInternals
  const instance: TestInstance = {
    db,
    context,
    lookups,
    sources,
    answer: [],
    sent,
    lookup(builder) {
      const lookup = lookups.lookupOf(client, internals(builder))
      if (isRefusal(lookup)) throw new Error(`Expected a lookup, got a refusal: ${lookup.refused}.`)
      return lookup
    },
    refusal(builder) {
      const lookup = lookups.lookupOf(client, internals(builder))
      return isRefusal(lookup) ? lookup.refused : undefined
    },
    rowSource: (builder) => sources.of(client, internals(builder)),
  }
  return instance
}
