import type { Dialect } from '@sluice/core'
import type { PrismaModel } from '../../../packages/prisma/src/schema/prisma-model.ts'
import type { PrismaFieldData } from '../../../packages/prisma/src/schema/prisma-schema-data.ts'
import type { Random } from '../../support/random.ts'
import { MOODS } from './random-schema.ts'

/** Strings that some collations consider equal, that look like numbers, and that need quoting. */
const TEXTS = [
  'alpha',
  'Alpha',
  'ALPHA',
  'alpha ',
  'álpha',
  'beta',
  'ｂeta',
  'straße',
  'strasse',
  '',
  '7',
  '07',
  "o'clock",
  'a,b',
] as const
const INTEGERS = [0, 1, 2, 3, -1, 7, 2_147_483_647] as const
const BIG_INTEGERS = [
  0n,
  1n,
  2n,
  -2n,
  2_147_483_648n,
  9_007_199_254_740_993n,
  9_007_199_254_740_995n,
  -9_007_199_254_740_993n,
] as const
const FLOATS = [0, 0.5, -1.25, 1e10, 3] as const
const DECIMALS = ['0', '1.5', '-2.25', '1000000.000001', '3'] as const
const TIMES = [
  0,
  Date.UTC(1999, 11, 31, 23, 59, 59, 999),
  Date.UTC(2024, 1, 29, 12, 0, 0, 123),
  Date.UTC(2026, 0, 1),
] as const
const MAX_CASED = 4

/**
 * The n-th string of a unique field. On MySQL, whose collations consider different strings equal, each has
 * one spelling only, so that any other string is known to be a different spelling of a key.
 */
function uniqueText(at: number, dialect: Dialect): string {
  if (dialect === 'mysql') return `k${at}`
  return [`k${at}`, `K${at - 1}`, `k${at - 2} `, `ḱ${at - 3}`][at % MAX_CASED] ?? ''
}

/**
 * An integer of the wrong type for every field that is queried by it: Prisma rejects it, alone and together
 * with others.
 */
export const STRANGE_INTEGER = 4_040n

/** Whether a string differs in form from those of unique fields, on a database with loose comparisons. */
export function isLoose(text: unknown): boolean {
  return typeof text === 'string' && !/^[a-z]\d+$/.test(text)
}

/** A value for a field that is not part of a key. */
export function plainValue({ type, kind }: PrismaFieldData, random: Random): unknown {
  if (kind === 'enum') return random.pick(MOODS)
  switch (type) {
    case 'Int':
      return random.pick(INTEGERS)
    case 'BigInt':
      return random.pick(BIG_INTEGERS)
    case 'Boolean':
      return random.chance(0.5)
    case 'Float':
      return random.pick(FLOATS)
    case 'Decimal':
      return random.pick(DECIMALS)
    case 'DateTime':
      return new Date(random.pick(TIMES))
    case 'Bytes':
      return Uint8Array.from({ length: random.below(4) }, () => random.below(256))
    default:
      return random.pick(TEXTS)
  }
}

/** The n-th value (from 1) of a field that is part of a key. Keys of different models overlap. */
export function keyValue({ type, kind }: PrismaFieldData, at: number, dialect: Dialect): unknown {
  if (kind === 'enum') return MOODS[at % MOODS.length]
  switch (type) {
    case 'BigInt':
      return at % 3 === 0 ? 9_007_199_254_740_990n + BigInt(at) : BigInt(at)
    case 'DateTime':
      return new Date(Date.UTC(2024, 0, 1, 0, 0, 0, at * 7))
    case 'String':
      return uniqueText(at, dialect)
    default:
      return at
  }
}

/** Whether a field is in a key of its model. */
export function isInKey(model: PrismaModel, field: string): boolean {
  return [...model.uniqueSelectors.values()].some((fields) => fields.includes(field))
}

/** Values in addition to those of rows: none, another spelling, another type, too large. */
export function oddValues({ type, kind }: PrismaFieldData, some: readonly unknown[]): readonly unknown[] {
  const [first] = some
  if (kind === 'enum') return [null, undefined]
  switch (type) {
    case 'Int':
      return [null, undefined, 99, 2 ** 40, 3.5, -0, STRANGE_INTEGER]
    case 'BigInt':
      return [null, 9_007_199_254_740_992n, 5, ...(typeof first === 'bigint' ? [first + 1n] : [])]
    case 'Boolean':
      return [null, undefined]
    case 'DateTime':
      return [null, ...(first instanceof Date ? [first.toISOString(), new Date(first.getTime() + 1)] : [])]
    case 'String':
      return [
        null,
        undefined,
        'nobody',
        'ALPHA',
        ...(typeof first === 'string' ? [first.toUpperCase(), `${first} `] : []),
      ]
    default:
      return [null, 99]
  }
}
