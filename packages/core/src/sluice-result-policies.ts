import type { FetchPolicy } from './cache/fetch-policy.ts'
import { deepFreeze } from './cache/freeze.ts'
import type { ResultPolicy } from './cache/result-cache.ts'
import { plainPolicy } from './cache/tiered-options.ts'
import type { CacheRequest } from './pipeline/operation.ts'
import type { TableId } from './schema/catalog-data.ts'
import type { CatalogRegistry } from './schema/catalog-registry.ts'
import type { CacheOptions } from './sluice-options.ts'

const DEFAULT_TTL = 1
const DEFAULT_SHARED_TTL = 60
const NO_TAGS: readonly string[] = []

/** How each query's result is cached, by the options of the Sluice. */
export class ResultPolicies {
  readonly #base: FetchPolicy
  /** Tables whose results never leave the process. */
  readonly #secretTables: readonly string[]
  /** Fields, and the table that they belong to; `*`: any. */
  readonly #secretFields: readonly { readonly table: string; readonly field: string }[]

  constructor(
    private readonly options: CacheOptions,
    private readonly catalogs: CatalogRegistry,
  ) {
    const { ttl, swr, store, consistency, exclude } = options
    const base = plainPolicy(ttl ?? (store === undefined ? DEFAULT_TTL : DEFAULT_SHARED_TTL), consistency ?? 'bounded')
    this.#base = { ...base, swrMs: (swr ?? 0) * 1_000 }
    const names = exclude ?? []
    this.#secretFields = names.filter(isField).map(fieldOf)
    this.#secretTables = names.filter((name) => !isField(name))
  }

  readonly of = (request: CacheRequest<unknown>): ResultPolicy | string => {
    const { tables } = this.options
    if (tables !== undefined && !request.tables.every((table) => this.#isAmong(tables, table))) return 'table not listed'
    const isSecret = request.tables.some((table) => this.#isAmong(this.#secretTables, table))
    const fields = this.#secretFieldsOf(request.tables)
    return {
      policy: this.#base,
      tags: NO_TAGS,
      isShared: !isSecret,
      ...(fields.size === 0 ? {} : { mayShare: (value: unknown) => !holdsField(value, fields) }),
    }
  }

  /** How a result is kept and handed out. */
  copyOf<T>(request: CacheRequest<T>): (value: T) => { readonly value: T } | undefined {
    switch (this.options.copy) {
      case 'none':
        return (value) => ({ value })
      case 'freeze':
        return (value) => ({ value: deepFreeze(value) })
      default:
        return (value) => request.copy(value)
    }
  }

  #isAmong(names: readonly string[], table: TableId): boolean {
    return names.some((name) => this.catalogs.resolve(name).has(table))
  }

  #secretFieldsOf(tables: readonly TableId[]): ReadonlySet<string> {
    if (this.#secretFields.length === 0) return NO_FIELDS
    return new Set(
      this.#secretFields
        .filter(({ table }) => table === '*' || tables.some((read) => this.catalogs.resolve(table).has(read)))
        .map(({ field }) => field),
    )
  }
}

const NO_FIELDS: ReadonlySet<string> = new Set()

const isField = (name: string): boolean => name.includes('.')

function fieldOf(name: string): { readonly table: string; readonly field: string } {
  const dot = name.lastIndexOf('.')
  return { table: name.slice(0, dot), field: name.slice(dot + 1) }
}

/** Whether a value has one of these names as a key, at any depth. */
function holdsField(value: unknown, fields: ReadonlySet<string>): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  if (Array.isArray(value)) return value.some((item) => holdsField(item, fields))
  return Object.entries(value).some(([name, part]) => fields.has(name) || holdsField(part, fields))
}
