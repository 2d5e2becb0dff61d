import type { Dialect } from '@sluice/core'
import {
  dropUnsettled,
  emptyTotals,
  isInstance,
  type Lookup,
  type LookupKey,
  type LookupTarget,
  MAX_BOUND_KEYS,
  maxRowsOfSlices,
  maxSlices,
  type ReadRequirements,
  type Slice,
  splitRows,
  type TableId,
  TooManyRowsError,
  withNeighbors,
} from '@sluice/core/adapter'
import type { Knex } from 'knex'
import type { InstanceContext } from '../instance-context.ts'
import type { BuilderInternals, ClientInternals } from '../internals/types.ts'
import { copyRows, isCopyableResult } from '../rows.ts'
import { mergedQuery, pagesQuery } from './merged-query.ts'
import { lastPart } from './names.ts'
import type { Plan } from './plan.ts'
import { type SelectParts, sliceOf } from './select-parts.ts'

type Row = Record<string, unknown>

/**
 * Maximum number of rows in all pages of a batch: they are in memory at the same time, unlike pages that are
 * queried one at a time.
 */
const MAX_PAGED_ROWS = 10_000
/** Maximum number of selects in one statement: the cost of planning grows with their number. */
const MAX_SELECTS = 50

/** One builder that looks up rows by key. */
export class KnexLookup implements Lookup {
  readonly maxKeys: number
  readonly #isPaged: boolean

  constructor(
    readonly group: string,
    readonly key: LookupKey,
    maxKeys: number,
    private readonly instance: InstanceContext,
    private readonly client: ClientInternals,
    private readonly builder: BuilderInternals,
    private readonly parts: SelectParts,
    private readonly plan: Plan,
  ) {
    const { maxExtraRows } = instance.host
    this.#isPaged = plan.seen.areMany || maxExtraRows === 0
    const most = this.#isPaged
      ? maxPages(parts, instance.source.dialect)
      : maxSlices(sliceOf(parts), maxExtraRows)
    this.maxKeys = 'ranks' in plan.merge ? Math.max(1, Math.min(maxKeys, most)) : maxKeys
  }

  get target(): LookupTarget | undefined {
    return this.plan.target
  }

  reads(): readonly TableId[] | undefined {
    const { table } = this.plan
    const { host, source } = this.instance
    return table === undefined ? undefined : host.catalogs.cacheableTables(source.dialect, [table])
  }

  isUnchanged(): boolean {
    const now = this.instance.lookupOf(this.client, this.builder)
    return !('refused' in now) && now.group === this.group && now.key.text === this.key.text
  }

  copy(value: unknown): { readonly value: unknown } | undefined {
    return isCopyableResult(value) ? { value: copyRows(value) } : undefined
  }

  async runMany(
    keys: readonly LookupKey[],
    maxRows?: number,
    demand: ReadRequirements = 'kept',
  ): Promise<ReadonlyMap<string, unknown> | undefined> {
    const groups = await this.#groupsOf(keys, demand, maxRows)
    return groups && new Map([...groups].map(([text, found]) => [text, this.#resultOf(found)]))
  }

  #groupsOf(
    keys: readonly LookupKey[],
    demand: ReadRequirements,
    maxRows?: number,
  ): Promise<ReadonlyMap<string, Row[]> | undefined> {
    if (!('ranks' in this.plan.merge)) return this.#rows(keys, demand, maxRows)
    return this.#isPaged ? this.#pages(keys, demand) : this.#slices(keys, demand, maxRows)
  }

  /** Each key's rows. */
  async #rows(
    keys: readonly LookupKey[],
    demand: ReadRequirements,
    maxRows?: number,
  ): Promise<Map<string, Row[]> | undefined> {
    const { parts, plan } = this
    const isListing = 'lists' in plan.merge || 'ranks' in plan.merge
    const query = mergedQuery(
      this.builder,
      parts,
      plan,
      keys,
      isListing && maxRows !== undefined ? maxRows + 1 : undefined,
    )
    const rows = await this.#query(query, demand)
    if (isListing && maxRows !== undefined && rows.length > maxRows) throw new TooManyRowsError()
    const groups = splitRows(rows, keys, (row) => plan.properties.map((property) => row[property]))
    if (groups === undefined) return undefined
    if (isRanked(plan)) {
      dropTied(groups, sliceOf(parts), plan)
      dropProperties(rows, plan.pageExtra.slice(0, 1))
    }
    dropProperties(rows, plan.extra)
    return 'totals' in plan.merge && !this.#fillTotals(rows, groups) ? undefined : groups
  }

  /** The requested part of each key's rows, while there are few rows; otherwise the keys' pages. */
  async #slices(
    keys: readonly LookupKey[],
    demand: ReadRequirements,
    maxRows?: number,
  ): Promise<ReadonlyMap<string, Row[]> | undefined> {
    const { parts, plan } = this
    const slice = sliceOf(parts)
    const most = maxRowsOfSlices(keys.length, slice, this.instance.host.maxExtraRows)
    try {
      const groups = await this.#rows(keys, demand, Math.min(most, maxRows ?? most))
      return groups && cut(groups, slice)
    } catch (error) {
      if (!isInstance(error, TooManyRowsError)) throw error
    }
    plan.seen.areMany = true
    return this.#pages(keys, demand)
  }

  /** Each key's page, as many per statement as fit. */
  async #pages(
    keys: readonly LookupKey[],
    demand: ReadRequirements,
  ): Promise<ReadonlyMap<string, Row[]> | undefined> {
    const { parts, plan } = this
    if (!('ranks' in plan.merge) || plan.merge.leftAlone !== undefined) return undefined
    const size = maxPages(parts, this.instance.source.dialect)
    if (size < 2) return undefined
    const { inner } = withNeighbors(sliceOf(parts))
    const pages = new Map<string, Row[]>()
    for (let at = 0; at < keys.length; at += size) {
      const some = keys.slice(at, at + size)
      const rows = await this.#query(pagesQuery(this.builder, plan.merge, parts, plan, some), demand)
      const found = pagesIn(rows, some, plan)
      if (found === undefined) return undefined
      if (isRanked(plan)) dropTied(found, inner, plan)
      dropProperties(rows, plan.pageExtra)
      for (const [text, page] of isRanked(plan) ? cut(found, inner) : found) pages.set(text, page)
    }
    return pages
  }

  async #query(query: Knex.QueryBuilder, demand: ReadRequirements): Promise<Row[]> {
    return (await this.instance.runRaw(this.client, query as never, demand)) as Row[]
  }

  /** Adds a row for keys that have none. Returns whether the content of that row is known. */
  #fillTotals(rows: readonly Row[], groups: ReadonlyMap<string, Row[]>): boolean {
    const [sample] = rows
    if (sample === undefined) return false
    const areCounts = this.parts.aggregates.flatMap(({ method, outputs }) =>
      outputs.map(() => method === 'count'),
    )
    for (const found of groups.values()) {
      // If a collation treats two keys as equal, one of them has received two rows.
      if (found.length > 1) return false
      if (found.length === 1) continue
      const empty = emptyTotals(sample, areCounts)
      if (empty === undefined) return false
      found.push(empty)
    }
    return true
  }

  #resultOf(rows: readonly Row[]): unknown {
    const { method, columns } = this.parts
    if (method === 'select') return rows
    if (method === 'first') return rows[0]
    const property = lastPart(columns[0] ?? '')
    return rows.map((row) => row[property])
  }
}

function isRanked({ merge }: Plan): boolean {
  return 'ranks' in merge && !merge.isTotal
}

/** If the rows of most keys are tied, later selects of the structure are not batched. */
function dropTied(groups: Map<string, Row[]>, slice: Slice, { pageExtra, seen }: Plan): void {
  const [rank = ''] = pageExtra
  if (dropUnsettled(groups, slice, (row) => row[rank])) seen.areTied = true
}

function cut(groups: ReadonlyMap<string, Row[]>, { skip, take }: Slice): Map<string, Row[]> {
  return new Map([...groups].map(([text, rows]) => [text, rows.slice(skip, skip + take)]))
}

function dropProperties(rows: readonly Row[], properties: readonly string[]): void {
  for (const row of rows) for (const property of properties) delete row[property]
}

/** Each select of a page binds all of its values, its limit and its offset. */
function maxPages(parts: SelectParts, dialect: Dialect): number {
  const values = parts.filters.reduce(
    (count, { value }) => count + (Array.isArray(value) ? value.length : 1),
    2,
  )
  return Math.min(
    MAX_SELECTS,
    Math.floor(MAX_BOUND_KEYS[dialect] / values),
    Math.floor(MAX_PAGED_ROWS / sliceOf(parts).take),
  )
}

/** Each key's rows in the order of its page; `undefined` if the rows do not identify their keys. */
function pagesIn(
  rows: readonly Row[],
  keys: readonly LookupKey[],
  { pageExtra }: Plan,
): Map<string, Row[]> | undefined {
  const [rank = '', place = ''] = pageExtra
  const pages = new Map<string, Row[]>(keys.map(({ text }) => [text, []]))
  // SQL does not specify the order of rows across the selects.
  for (const row of [...rows].sort((left, right) => Number(left[rank]) - Number(right[rank]))) {
    const page = pages.get(keys[Number(row[place])]?.text ?? '')
    if (page === undefined) return undefined
    page.push(row)
  }
  return pages
}
