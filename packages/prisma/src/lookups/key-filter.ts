import { type LookupKey, lookupKey, typedKeyText } from '@sluice/core/adapter'
import type { KeyPlan } from './key-plan.ts'
import { relatedToAny } from './relation-key.ts'

type Where = Readonly<Record<string, unknown>>

/** Maximum number of tuples in one query: conditions on several fields make it long and expensive to plan. */
export const MAX_TUPLES = 500

/** A `where` that matches any of the keys, within the filters that they share. */
export function whereAny(
  { fields, relation }: Pick<KeyPlan, 'fields' | 'relation'>,
  keys: readonly LookupKey[],
  filters: Where,
): Where {
  const any =
    relation === undefined
      ? anyOf(fields, keys)
      : relatedToAny(
          relation,
          keys.flatMap(({ values }) => values),
        )
  // The caller's `OR` must stay separate.
  return Object.keys(filters).length === 0 ? any : { AND: [filters, any] }
}

function anyOf(fields: readonly string[], keys: readonly LookupKey[]): Where {
  const at = mostVaried(fields, keys)
  const conditions =
    at === undefined ? keys.map(({ values }) => equal(fields, values)) : groupedBy(at, fields, keys)
  const [only] = conditions
  return conditions.length === 1 && only !== undefined ? only : { OR: conditions }
}

/** Keys that differ in one field only, such as keys of one tenant, become one condition. */
function groupedBy(at: number, fields: readonly string[], keys: readonly LookupKey[]): readonly Where[] {
  const others = fields.filter((_, index) => index !== at)
  const bySiblings = new Map<string, { readonly rest: Where; readonly values: unknown[] }>()
  for (const { values } of keys) {
    const siblings = values.filter((_, index) => index !== at)
    const text = lookupKey(siblings, typedKeyText)?.text ?? ''
    const known = bySiblings.get(text)
    if (known !== undefined) known.values.push(values[at])
    else bySiblings.set(text, { rest: equal(others, siblings), values: [values[at]] })
  }
  return [...bySiblings.values()].map(({ rest, values }) => ({ ...rest, [fields[at] ?? '']: { in: values } }))
}

function equal(fields: readonly string[], values: readonly unknown[]): Where {
  return Object.fromEntries(fields.map((field, at) => [field, values[at]]))
}

/**
 * Index of the field with the most different values; `undefined` if there are only booleans, for which Prisma
 * has no `in`.
 */
function mostVaried(fields: readonly string[], keys: readonly LookupKey[]): number | undefined {
  let most: { readonly at: number; readonly count: number } | undefined
  for (const at of fields.keys()) {
    if (typeof keys[0]?.values[at] === 'boolean') continue
    const { size } = new Set(keys.map(({ values }) => typedKeyText(values[at])))
    if (most === undefined || size > most.count) most = { at, count: size }
  }
  return most?.at
}
