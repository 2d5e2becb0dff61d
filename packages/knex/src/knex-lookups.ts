import type { Dialect } from '@sluice/core'
import {
  bindsRelativeDate,
  canonicalKey,
  keyKinds,
  keyRefusal,
  type Lookup,
  lookupKey,
  MAX_BOUND_KEYS,
  type Refusal,
  refuseKeyValue,
} from '@sluice/core/adapter'
import type { InstanceContext } from './instance-context.ts'
import { selectParts } from './internals/builder-parts.ts'
import { databaseName, rewritesNames } from './internals/client.ts'
import type { BuilderInternals, ClientInternals } from './internals/types.ts'
import { KnexLookup } from './lookups/knex-lookup.ts'
import { refuseOrder } from './lookups/merge.ts'
import { makePlan, type Plan } from './lookups/plan.ts'
import { EQUALS, type SelectParts, structureOf } from './lookups/select-parts.ts'
import { refuse } from './reasons.ts'

const MAX_PLANS = 2000

/**
 * Determines how the selects of one Knex instance can be batched. Results that do not depend on values are
 * computed once per structure.
 */
export class KnexLookups {
  readonly #plans = new Map<string, Plan>()
  #lastId = 0

  constructor(private readonly instance: InstanceContext) {}

  lookupOf(client: ClientInternals, builder: BuilderInternals): Lookup<unknown> | Refusal {
    const { source, host } = this.instance
    // Knex lets a transaction end before its queries have completed: a query that waits for a batch would be
    // sent too late.
    if (client.transacting === true) return refuse('IN_TRANSACTION')
    const parts = selectParts(builder)
    if (typeof parts === 'string') return refuse(parts)
    const { filters } = parts
    const [only] = filters
    if (only === undefined) return refuse('NOT_BY_KEY')
    if (filters.length === 1 && only.form !== EQUALS)
      return refuse(
        only.form !== '= value' ? 'NOT_BY_KEY' : only.value === null ? 'NULL_KEY' : 'UNSUPPORTED_KEY_TYPE',
      )
    const context = builder.queryContext()
    const contextKey = context === undefined ? '' : canonicalKey(context)
    if (contextKey === undefined) return refuse('UNSUPPORTED_QUERY_CONTEXT')
    const plan = this.#planOf(client, parts, context, contextKey)
    if ('refused' in plan.merge) return plan.merge
    if (plan.seen.areTied) return refuseOrder(parts)
    if (
      'ranks' in plan.merge &&
      plan.merge.leftAlone !== undefined &&
      (plan.seen.areMany || host.maxExtraRows === 0)
    )
      return refuse(plan.merge.leftAlone)
    const values = plan.keys.map(({ filter }) => filters[filter]?.value)
    const key = lookupKey(values)
    if (key === undefined) return keyRefusal(values)
    for (const [at, { type }] of plan.keys.entries()) {
      const refused = refuseKeyValue(values[at], type, source.dialect)
      if (refused !== undefined) return refuse(refused)
    }
    const conversions = this.instance.conversions.current(filters.map(({ value }) => value))
    if (conversions === undefined) return refuse('UNSUPPORTED_OPTIONS')
    const constants = constantsOf(parts, plan, source.dialect)
    if (constants === undefined) return refuse('UNSUPPORTED_CONSTANTS')
    const maxKeys = Math.min(
      host.maxKeys,
      Math.floor((MAX_BOUND_KEYS[source.dialect] - constants.count) / plan.keys.length),
    )
    if (maxKeys < 2) return refuse('TOO_MANY_VALUES')
    const group = `${source.id} ${plan.id} ${conversions} ${keyKinds(key)}${constants.text}${contextKey === '' ? '' : ` in ${contextKey}`}`
    return new KnexLookup(group, key, maxKeys, this.instance, client, builder, parts, plan)
  }

  #planOf(client: ClientInternals, parts: SelectParts, context: unknown, contextKey: string): Plan {
    // A query context often identifies the request: if it does not affect names, it must not create a plan
    // per request.
    const structure = structureOf(parts, rewritesNames(client) ? contextKey : '')
    const catalog = this.instance.host.catalogs.trusted(this.instance.source.id)
    const known = this.#plans.get(structure)
    if (known !== undefined && known.catalog === catalog) return known
    if (this.#plans.size >= MAX_PLANS) this.#plans.clear()
    this.#lastId += 1
    const plan = makePlan(this.#lastId, parts, structure, catalog, (identifier) =>
      databaseName(client, identifier, context),
    )
    this.#plans.set(structure, plan)
    return plan
  }
}

const NO_CONSTANTS = { text: '', count: 0 }

/**
 * All values outside the key, and how many of them a statement binds; `undefined` if one is not understood.
 */
function constantsOf(
  { filters, limit, offset }: SelectParts,
  plan: Plan,
  dialect: Dialect,
): { readonly text: string; readonly count: number } | undefined {
  if (filters.length === plan.keys.length && limit === undefined && offset === 0) return NO_CONSTANTS
  const values: unknown[] = [limit, offset]
  let count = 2
  for (const [at, { value }] of filters.entries()) {
    if (plan.keys.some(({ filter }) => filter === at)) continue
    values.push(value)
    count += Array.isArray(value) ? value.length : 1
  }
  const text = bindsRelativeDate(values, dialect) ? undefined : canonicalKey(values)
  return text === undefined ? undefined : { text: ` ${text}`, count }
}
