import {
  type CatalogTable,
  canonicalKey,
  keyKinds,
  type Lookup,
  type LookupKey,
  lookupKey,
  MAX_BOUND_KEYS,
  type Refusal,
  refuse,
  type SchemaCatalog,
  splitRows,
} from '@sluice/core'
import type { InstanceContext } from './instance-context.ts'
import { asListing, type BuilderInternals, type ClientInternals, databaseName, type KeyedSelect, keyedSelect } from './internals.ts'
import { copyRows } from './rows.ts'

type Row = Record<string, unknown>

/** What holds for all selects of one structure. */
interface Plan {
  /** Names the structure, shorter than its text. */
  readonly id: number
  /** The key column as rows bear it. */
  readonly column: string
  /** Whether the key column is to be asked for besides. */
  readonly isAdded: boolean
  /** What was known of the tables when it was made. */
  readonly catalog: SchemaCatalog | undefined
  readonly refused: string | undefined
}

const MAX_PLANS = 2000

/** Tells how the selects of one Knex instance may be merged. What does not depend on the key is worked out once for a structure. */
export class KnexLookups {
  readonly #plans = new Map<string, Plan>()
  #lastId = 0

  constructor(private readonly instance: InstanceContext) {}

  lookupOf(client: ClientInternals, builder: BuilderInternals): Lookup<unknown> | Refusal {
    const { source, host } = this.instance
    const inTransaction = client.transacting === true
    // On PostgreSQL a failed query ends the transaction, so a failed batch could not be asked again singly.
    if (inTransaction && source.dialect === 'postgresql') return refuse('transaction')
    const select = keyedSelect(builder)
    if (typeof select === 'string') return refuse(select)
    const key = lookupKey([select.keyValue])
    if (key === undefined) return refuse(select.keyValue === null ? 'null key' : 'key of another type')
    const context = builder.queryContext()
    const contextKey = context === undefined ? '' : canonicalKey(context)
    if (contextKey === undefined) return refuse('query context not understood')
    const plan = this.#planOf(client, select, context, contextKey)
    if (plan.refused !== undefined) return refuse(plan.refused)
    const owner = inTransaction ? `${source.id} ${this.instance.transactionId(client)}` : source.id
    const group = `${owner} ${plan.id} ${keyKinds(key)}`
    return new KnexLookup(group, key, Math.min(host.maxKeys, MAX_BOUND_KEYS[source.dialect]), this.instance, client, builder, select, plan)
  }

  #planOf(client: ClientInternals, select: KeyedSelect, context: unknown, contextKey: string): Plan {
    const structure = structureOf(select, contextKey)
    const catalog = this.instance.host.catalogs.catalog(this.instance.source.dialect)
    const known = this.#plans.get(structure)
    if (known !== undefined && known.catalog === catalog) return known
    if (this.#plans.size >= MAX_PLANS) this.#plans.clear()
    this.#lastId += 1
    const nameOf = (identifier: string) => databaseName(client, identifier, context)
    const column = nameOf(lastPart(select.keyColumn))
    const isAdded = !selectsColumn(select, column, nameOf)
    const plan: Plan = { id: this.#lastId, column, isAdded, catalog, refused: refusalOf(select, column, catalog, nameOf) }
    this.#plans.set(structure, plan)
    return plan
  }
}

function structureOf({ method, table, schema, keyColumn, columns, orders, count }: KeyedSelect, context: string): string {
  const plain = `${method} ${table}\n${keyColumn}`
  if (schema === undefined && count === undefined && columns.length === 0 && orders.length === 0 && context === '') return plain
  return `${plain}\n${JSON.stringify([schema, columns, orders, count, context])}`
}

function refusalOf(
  select: KeyedSelect,
  column: string,
  catalog: SchemaCatalog | undefined,
  nameOf: (identifier: string) => string,
): string | undefined {
  const target = targetOf(select)
  if (target === undefined) return 'no plain table'
  if (select.count !== undefined) return undefined
  if (!mayAddColumn(select, column)) return 'columns'
  if (select.method === 'select') return undefined
  const table = catalog?.baseTable(catalog.idOf(target.map(nameOf)))
  const isTotal = catalog !== undefined && table !== undefined && leavesNoDoubt(select, column, catalog, table, nameOf)
  return isTotal ? undefined : 'first of an unspecified order'
}

/** Whether no two rows of one key can both be the first: the key is unique, or an order by a unique column settles it. */
function leavesNoDoubt(
  { orders }: KeyedSelect,
  column: string,
  catalog: SchemaCatalog,
  table: CatalogTable,
  nameOf: (identifier: string) => string,
): boolean {
  if (catalog.isUniqueKey(table.id, [column])) return true
  // Nulls are no duplicates to a unique key.
  const required = new Set(table.columns.flatMap(({ name, nullable }) => (nullable ? [] : [name])))
  return orders.some(({ value }) => {
    const ordered = nameOf(lastPart(String(value)))
    return required.has(ordered) && catalog.isUniqueKey(table.id, [ordered])
  })
}

class KnexLookup implements Lookup {
  constructor(
    readonly group: string,
    readonly key: LookupKey,
    readonly maxKeys: number,
    private readonly instance: InstanceContext,
    private readonly client: ClientInternals,
    private readonly builder: BuilderInternals,
    private readonly select: KeyedSelect,
    private readonly plan: Plan,
  ) {}

  copy(value: unknown): unknown {
    return copyRows(value)
  }

  runMany(keys: readonly LookupKey[]): Promise<ReadonlyMap<string, unknown> | undefined> {
    return this.select.count === undefined ? this.#listMany(keys) : this.#countMany(keys)
  }

  async #listMany(keys: readonly LookupKey[]): Promise<ReadonlyMap<string, unknown> | undefined> {
    const { select, plan } = this
    const { column, isAdded } = plan
    const listing = asListing(this.builder)
    listing.clearWhere().whereIn(select.keyColumn, valuesOf(keys))
    if (isAdded) listing.select(select.keyColumn)
    const rows = (await this.instance.runRaw(this.client, listing as never)) as Row[]
    const groups = splitRows(rows, keys, (row) => [row[column]])
    if (groups === undefined) return undefined
    if (isAdded) for (const row of rows) delete row[column]
    return select.method === 'select' ? groups : new Map([...groups].map(([text, found]) => [text, found[0]]))
  }

  async #countMany(keys: readonly LookupKey[]): Promise<ReadonlyMap<string, unknown> | undefined> {
    const { select, plan } = this
    const { column } = plan
    const counting = asListing(this.builder)
    counting.clearWhere().whereIn(select.keyColumn, valuesOf(keys)).select(select.keyColumn).groupBy(select.keyColumn)
    const rows = (await this.instance.runRaw(this.client, counting as never)) as Row[]
    const groups = splitRows(rows, keys, (row) => [row[column]])
    // Nothing was counted, so nothing shows in which form this driver writes a zero; or the count bears the key's name.
    const [sample] = rows
    if (groups === undefined || sample === undefined || Object.keys(sample).length !== 2) return undefined
    const [name] = Object.keys(sample).filter((other) => other !== column)
    if (name === undefined) return undefined
    const zero = zeroLike(sample[name])
    const counts = new Map<string, unknown>()
    for (const [text, found] of groups) {
      if (found.length > 1) return undefined
      const [row] = found
      if (row !== undefined) delete row[column]
      const counted = row ?? { [name]: zero }
      counts.set(text, select.method === 'first' ? counted : [counted])
    }
    return counts
  }
}

function valuesOf(keys: readonly LookupKey[]): string[] {
  return keys.map((key) => key.values[0]) as string[]
}

function zeroLike(count: unknown): unknown {
  if (typeof count === 'string') return '0'
  return typeof count === 'bigint' ? 0n : 0
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/** The table's name in parts, without its alias; `undefined` where the text is more than a name. */
function targetOf({ table, schema }: KeyedSelect): readonly string[] | undefined {
  const [name = '', as, alias, ...rest] = table.trim().split(/\s+/)
  if (rest.length > 0 || (as !== undefined && (as.toLowerCase() !== 'as' || alias === undefined))) return undefined
  const parts = name.split('.')
  return schema === undefined ? parts : [schema, ...parts.slice(-1)]
}

/** Whether the key column can be asked for besides: no other column is given its name. */
function mayAddColumn(select: KeyedSelect, column: string): boolean {
  return select.columns.every((written) => {
    const [source = '', , alias] = written.trim().split(/\s+/)
    return alias === undefined
      ? !/[()\s]/.test(written.trim())
      : alias !== column && alias !== lastPart(select.keyColumn) && !/[()]/.test(source)
  })
}

function selectsColumn(select: KeyedSelect, column: string, nameOf: (identifier: string) => string): boolean {
  if (select.columns.length === 0) return true
  return select.columns.some((written) => {
    const name = lastPart(written.trim())
    return name === '*' || (!/\s/.test(written.trim()) && nameOf(name) === column)
  })
}
