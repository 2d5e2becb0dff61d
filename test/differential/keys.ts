import fc from 'fast-check'

/** Keys of one kind for a loop. */
export type Keys = fc.Arbitrary<readonly unknown[]>

const MAX_KEYS = 7

/** Some of the keys, in any order, some more than once. */
export function someOf(keys: readonly unknown[], others: readonly unknown[] = []): Keys {
  const regular = fc.array(fc.constantFrom(...keys), { minLength: 1, maxLength: MAX_KEYS })
  if (others.length === 0) return regular
  const odd = fc.constantFrom(...others)
  const mixed = fc.array(
    fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...keys) }, { weight: 1, arbitrary: odd }),
    {
      minLength: 2,
      maxLength: MAX_KEYS,
    },
  )
  return fc.oneof({ weight: 3, arbitrary: regular }, { weight: 2, arbitrary: mixed })
}

export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at)
}

/** Strings that some collations consider equal to others, and strings that no row has. */
const EMAILS = ['a1@example.org', 'a2@example.org', 'a3@example.org', 'a10@example.org', 's1001']
const ODD_EMAILS = [
  'A1@EXAMPLE.ORG',
  'A2@example.org',
  'a2@example.org ',
  'á1@example.org',
  'nobody@example.org',
  'ａ3@example.org',
  '',
]

export const COUNTRY_CODES: readonly string[] = ['FR', 'DE', 'JP']
export const ODD_CODES: readonly unknown[] = ['fr', 'FR ', 'XX', null]
export const BIG_IDS: readonly bigint[] = [1n, 2n, 9007199254740995n]
export const ODD_BIG_IDS: readonly bigint[] = [9007199254740996n, 3n, 9007199254740993n]
export const COMMENT_IDS: readonly string[] = [
  ...range(0, 12).map((at) => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`),
  'none',
]
const LABELS: readonly string[] = ['tag 1', 'tag 2', 'tag 3', 'tag 99']
const ODD_LABELS: readonly string[] = ['TAG 1', 'Tag 2', 'tag  1']

const ODD_HANDLES = ['ann', 'BEN', 'Änn']

/** Strings that MySQL's collation considers equal to that of a row, and JavaScript does not. */
export const COLLATED_TEXTS: ReadonlySet<unknown> = new Set([
  ...ODD_EMAILS,
  ...ODD_LABELS,
  ...ODD_HANDLES,
  'fr',
  'FR ',
  'O1',
  'Sweep',
])

export const handles: Keys = someOf(['Ann', 'ben', 'chloe'], [...ODD_HANDLES, null])
export const emails: Keys = someOf(EMAILS, ODD_EMAILS)
export const labels: Keys = someOf(LABELS, ODD_LABELS)

/**
 * Integers as users of Knex write them: many are not integers to the database, or denote the same integer.
 */
export function looseIntegers(to: number): Keys {
  const integers = range(1, to)
  return fc.oneof(
    { weight: 6, arbitrary: someOf([...integers, 99], [null]) },
    { weight: 3, arbitrary: someOf(integers.map(String), ['07', '7', '2 ', '02', '99', ' 3', '+4', '5.0']) },
    { weight: 2, arbitrary: someOf([1, '1', 2, '2']) },
    { weight: 1, arbitrary: someOf(['1', '2', '3', '5.0', 'x']) },
    {
      weight: 2,
      arbitrary: someOf(integers, [...integers.map(String), '01', '3x', '', 2.5, 2n, true, null]),
    },
  )
}

/** Strings as keys, and values that the database compares with strings after a conversion. */
export function looseTexts(texts: Keys): Keys {
  return fc.oneof(
    { weight: 5, arbitrary: texts },
    { weight: 1, arbitrary: someOf([0, 1, 7], ['7', 'a1@example.org', null]) },
  )
}
