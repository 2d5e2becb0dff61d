/** Parameters of a page in the URL. Each has a rule, and values that violate it are dropped. */
export type ParamRule =
  | { readonly kind: 'choice'; readonly of: readonly string[]; readonly default: string }
  | { readonly kind: 'text'; readonly maxLength: number }
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly default: number }

export type ParamRules = Readonly<Record<string, ParamRule>>
export type Params = Readonly<Record<string, string>>

/**
 * Returns the valid value; `undefined` for an invalid value, and for the default, which is omitted from the
 * URL.
 */
function allowedValue(rule: ParamRule, value: string): string | undefined {
  switch (rule.kind) {
    case 'choice':
      return rule.of.includes(value) && value !== rule.default ? value : undefined
    case 'text': {
      const text = value.replaceAll(/\p{Cc}/gu, '').slice(0, rule.maxLength)
      return text.trim() === '' ? undefined : text
    }
    case 'number': {
      if (!/^\d{1,15}$/.test(value)) return undefined
      const number = Number(value)
      return number >= rule.min && number <= rule.max && number !== rule.default ? String(number) : undefined
    }
  }
}

/** Returns the valid parameters in the order of the rules, so that equal views have equal URLs. */
export function allowedParams(rules: ParamRules, entries: Iterable<readonly [string, string]>): Params {
  const first = new Map<string, string>()
  for (const [name, value] of entries) if (!first.has(name)) first.set(name, value)
  const result: Record<string, string> = {}
  for (const [name, rule] of Object.entries(rules)) {
    const value = first.get(name)
    const allowed = value === undefined ? undefined : allowedValue(rule, value)
    if (allowed !== undefined) result[name] = allowed
  }
  return result
}

/** Returns the value of a parameter, or its default; `''` for text without a value. */
export function paramOf(rules: ParamRules, params: Params, name: string): string {
  const rule = rules[name]
  if (rule === undefined) return ''
  const value = params[name]
  if (value !== undefined) return value
  return 'default' in rule ? String(rule.default) : ''
}
