import { type Dialect, type Lookup, type LookupKey, type LookupTarget, MAX_BOUND_KEYS, splitRows, type TableId } from '@sluice/core'
import type { InstanceContext } from '../instance-context.ts'
import type { BuilderInternals, ClientInternals } from '../internals.ts'
import { copyRows, isCopyableResult } from '../rows.ts'
import { lastPart } from './column-name.ts'
import { mergedQuery } from './merged-query.ts'
import type { Plan } from './plan.ts'
import { pageSizeOf, type SelectParts } from './select-parts.ts'
import { emptyTotals } from './totals.ts'

type Row = Record<string, unknown>

/** The most rows of all pages together: they are in memory at once, which those of pages asked for one by one need not be. */
const MAX_PAGED_ROWS = 10_000
/** The most selects in one statement: what planning one costs grows with their number. */
const MAX_SELECTS = 50

/** One builder that asks by key. */
export class KnexLookup implements Lookup {
  readonly maxKeys: number

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
    this.maxKeys = 'ranks' in plan.merge ? Math.max(1, Math.min(maxKeys, maxPages(parts, instance.source.dialect))) : maxKeys
  }

  get target(): LookupTarget | undefined {
    return this.plan.target
  }

  reads(): readonly TableId[] | undefined {
    const { table } = this.plan
    const { host, source } = this.instance
    return table === undefined || host.catalogs.cacheableTable(source.dialect, table) === undefined ? undefined : [table]
  }

  copy(value: unknown): { readonly value: unknown } | undefined {
    return isCopyableResult(value) ? { value: copyRows(value) } : undefined
  }

  async runMany(keys: readonly LookupKey[]): Promise<ReadonlyMap<string, unknown> | undefined> {
    const { parts, plan } = this
    const query = mergedQuery(this.builder, parts, plan, keys)
    const rows = (await this.instance.runRaw(this.client, query as never)) as Row[]
    const groups =
      'ranks' in plan.merge ? pagesIn(rows, keys, plan) : splitRows(rows, keys, (row) => plan.properties.map((property) => row[property]))
    if (groups === undefined) return undefined
    for (const row of rows) for (const property of plan.extra) delete row[property]
    if ('totals' in plan.merge && !this.#fillTotals(rows, groups)) return undefined
    const answers = new Map<string, unknown>()
    for (const [text, found] of groups) answers.set(text, this.#resultOf(found))
    return answers
  }

  /** Gives a row to keys that have none; whether it is known what it holds. */
  #fillTotals(rows: readonly Row[], groups: ReadonlyMap<string, Row[]>): boolean {
    const [sample] = rows
    if (sample === undefined) return false
    for (const found of groups.values()) {
      // A collation that holds two keys equal has given one of them two rows.
      if (found.length > 1) return false
      if (found.length === 1) continue
      const empty = emptyTotals(sample, this.parts.aggregates)
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

/** Every select of pages binds all of its values, its limit and its offset. */
function maxPages(parts: SelectParts, dialect: Dialect): number {
  const values = parts.filters.reduce((count, { value }) => count + (Array.isArray(value) ? value.length : 1), 2)
  return Math.min(MAX_SELECTS, Math.floor(MAX_BOUND_KEYS[dialect] / values), Math.floor(MAX_PAGED_ROWS / pageSizeOf(parts)))
}

/** Each key's rows in the order of its page; `undefined` if they do not tell. */
function pagesIn(rows: readonly Row[], keys: readonly LookupKey[], { extra }: Plan): Map<string, Row[]> | undefined {
  const [rank = '', place = ''] = extra
  const pages = new Map<string, Row[]>(keys.map(({ text }) => [text, []]))
  // The order in which the selects' rows come is nowhere specified.
  for (const row of [...rows].sort((left, right) => Number(left[rank]) - Number(right[rank]))) {
    const page = pages.get(keys[Number(row[place])]?.text ?? '')
    if (page === undefined) return undefined
    page.push(row)
  }
  return pages
}
