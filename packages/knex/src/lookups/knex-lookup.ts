import { type Lookup, type LookupKey, type LookupTarget, splitRows, type TableId } from '@sluice/core'
import type { InstanceContext } from '../instance-context.ts'
import type { BuilderInternals, ClientInternals } from '../internals.ts'
import { copyRows, isCopyableResult } from '../rows.ts'
import { lastPart } from './column-name.ts'
import { mergedQuery } from './merged-query.ts'
import type { Plan } from './plan.ts'
import type { SelectParts } from './select-parts.ts'
import { emptyTotals } from './totals.ts'

type Row = Record<string, unknown>

/** One builder that asks by key. */
export class KnexLookup implements Lookup {
  constructor(
    readonly group: string,
    readonly key: LookupKey,
    readonly maxKeys: number,
    private readonly instance: InstanceContext,
    private readonly client: ClientInternals,
    private readonly builder: BuilderInternals,
    private readonly parts: SelectParts,
    private readonly plan: Plan,
  ) {}

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
    const groups = splitRows(rows, keys, (row) => plan.properties.map((property) => row[property]))
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
