import { type LookupKey, lookupKey, typedKeyText } from '@sluice/core/adapter'

type Where = Readonly<Record<string, unknown>>

/** The most tuples in one query: conditions on several fields make it long, and dear to plan. */
export const MAX_TUPLES = 500

/** The `where` that asks for any of the keys, within the filters that they share. */
export function whereAny(fields: readonly string[], keys: readonly LookupKey[], filters: Where): Where {
  const any = anyOf(fields, keys)
  // An `OR` of the caller's own stays what it is.
  return Object.keys(filters).length === 0 ? any : { AND: [filters, any] }
}

function anyOf(fields: readonly string[], keys: readonly LookupKey[]): Where {
  const at = mostVaried(fields, keys)
  const conditions = at === undefined ? keys.map(({ values }) => equal(fields, values)) : alikeBut(at, fields, keys)
  const [only] = conditions
  return conditions.length === 1 && only !== undefined ? only : { OR: conditions }
}

/** Keys that differ in one field only, as those of one tenant do, are one condition. */
function alikeBut(at: number, fields: readonly string[], keys: readonly LookupKey[]): readonly Where[] {
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

/** The place of the field with the most different values; `undefined` when there are only flags, which Prisma knows no `in` for. */
function mostVaried(fields: readonly string[], keys: readonly LookupKey[]): number | undefined {
  let most: { readonly at: number; readonly count: number } | undefined
  for (const at of fields.keys()) {
    if (typeof keys[0]?.values[at] === 'boolean') continue
    const { size } = new Set(keys.map(({ values }) => typedKeyText(values[at])))
    if (most === undefined || size > most.count) most = { at, count: size }
  }
  return most?.at
}
