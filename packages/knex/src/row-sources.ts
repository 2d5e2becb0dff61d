import { hash } from 'node:crypto'
import { analyzeSql } from '@sluice/core'
import { canonicalKey, type RowSource, type SchemaCatalog } from '@sluice/core/adapter'
import type { InstanceContext } from './instance-context.ts'
import { compiled } from './internals/builder.ts'
import { type ListingParts, listingParts } from './internals/builder-parts.ts'
import { databaseName, rewritesNames } from './internals/client.ts'
import type { BuilderInternals, ClientInternals } from './internals/types.ts'
import { propertiesOf, tableName } from './lookups/names.ts'

interface Known {
  readonly catalog: SchemaCatalog
  readonly source: RowSource | undefined
}

const MAX_SOURCES = 2000

/**
 * Determines the table of the rows that listings of one Knex instance return. Computed once per structure.
 */
export class RowSources {
  readonly #known = new Map<string, Known>()

  constructor(private readonly instance: InstanceContext) {}

  /** `undefined` if the builder does not list one base table of the catalog. */
  of(client: ClientInternals, builder: BuilderInternals): RowSource | undefined {
    const { host, source } = this.instance
    const catalog = host.catalogs.trusted(source.id)
    const listing = catalog === undefined ? undefined : listingParts(builder)
    if (catalog === undefined || listing === undefined) return undefined
    const context = rewritesNames(client) ? builder.queryContext() : undefined
    const contextKey = context === undefined ? '' : canonicalKey(context)
    const conditions = listing.conditions ?? this.#shapeOf(client, builder)
    if (contextKey === undefined || conditions === undefined) return undefined
    const { method, table, schema, columns } = listing
    const structure = JSON.stringify([method, table, schema, columns, conditions, contextKey])
    const known = this.#known.get(structure)
    if (known?.catalog === catalog) return known.source
    if (this.#known.size >= MAX_SOURCES) this.#known.clear()
    const created = sourceOf(listing, structure, catalog, (identifier) =>
      databaseName(client, identifier, context),
    )
    this.#known.set(structure, { catalog, source: created })
    return created
  }

  #shapeOf(client: ClientInternals, builder: BuilderInternals): string | undefined {
    const query = compiled(client, builder)
    return query === undefined || 'error' in query
      ? undefined
      : analyzeSql(query.sql, this.instance.source.dialect).fingerprint
  }
}

function sourceOf(
  { table: written, schema, columns }: ListingParts,
  structure: string,
  catalog: SchemaCatalog,
  nameOf: (identifier: string) => string,
): RowSource | undefined {
  const name = tableName(written, schema)
  const table = name === undefined ? undefined : catalog.baseTable(catalog.idOf(name.parts.map(nameOf)))
  if (table === undefined) return undefined
  const all = table.columns.map((column) => column.name)
  const properties = propertiesOf(columns, all, nameOf)
  return {
    table: table.id,
    shape: hash('sha256', structure).slice(0, 16),
    isWhole: columns.length === 0 || columns.every((column) => column === '*' || column.endsWith('.*')),
    property: (column) => properties.get(column),
  }
}
