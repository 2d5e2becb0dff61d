import { InvalidOptionError } from './errors.ts'

/** Rules that let Sluice optimize more reads, each with its own proof. */
const YIELD_RULES = [
  'relation-keys',
  'query-listeners',
  'transaction-reads',
  'held-begins',
  'first-reads',
  'sole-writer',
] as const

type YieldRule = (typeof YIELD_RULES)[number]

/**
 * Returns whether a rule is used.
 *
 * @param off - Rules that are switched off, separated by commas. Default: none.
 * @throws InvalidOptionError for an unknown rule, so that a measurement does not include what it should
 *   exclude.
 */
export function rulesWithout(off: string = ''): (rule: YieldRule) => boolean {
  const names = new Set(off.split(',').filter((name) => name !== ''))
  for (const name of names)
    if (!YIELD_RULES.some((rule) => rule === name))
      throw new InvalidOptionError('SLUICE_WITHOUT_RULES', YIELD_RULES.join(', '), name)
  return (rule) => !names.has(rule)
}

/**
 * Whether a rule is used in this process. Only tests and measurements set the variable, to determine the
 * effect of one rule; every rule is exact, so apps have no reason to.
 */
export const usesRule: (rule: YieldRule) => boolean = rulesWithout(process.env.SLUICE_WITHOUT_RULES)
