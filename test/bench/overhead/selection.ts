import { parseArgs } from 'node:util'
import { baselineOf, ORMS, type Orm, VARIANTS, type Variant } from './contenders.ts'
import type { DatabaseName } from './opened-orm.ts'
import { PROGRAMS, type ProgramName } from './programs.ts'

export const DATABASES: readonly DatabaseName[] = ['SQLite', 'PostgreSQL']

/** The parts of the benchmark that run. */
export interface Selection {
  readonly json: boolean
  readonly quick: boolean
  /** Sets of fresh processes for each cell. */
  readonly sets: number
  readonly orms: readonly Orm[]
  readonly databases: readonly DatabaseName[]
  readonly programs: readonly ProgramName[]
  /** Includes the baselines. */
  readonly variants: readonly Variant[]
  readonly hasCells: boolean
  readonly hasPages: boolean
}

/** Without flags for variants or databases, quick runs omit these, and PostgreSQL. */
const NOT_QUICK: readonly Variant[] = ['floor', 'development', 'dd-trace', 'Sentry']

/** The flag of a variant and the like: `optimize, cache` is `--optimize-cache`. */
export function flagOf(name: string): string {
  return name.toLowerCase().replace(', ', '-')
}

/**
 * Reads the command line. ORMs, databases, programs and variants are flags; without a flag of one of these
 * kinds, all of the kind run. `--pages` alone runs only the pages.
 *
 * @throws Error for an unknown flag, or a number of sets below 1.
 */
export function selectionFrom(args: readonly string[]): Selection {
  const variants = VARIANTS.filter((variant) => !variant.startsWith('bare'))
  const names = [...ORMS, ...DATABASES, ...PROGRAMS, ...variants].map(flagOf)
  const flag = { type: 'boolean', default: false } as const
  const flags = Object.fromEntries(['json', 'quick', 'pages', ...names].map((name) => [name, flag]))
  const { values } = parseArgs({
    args: [...args],
    options: { ...flags, sets: { type: 'string' } },
  })
  const given = new Map<string, unknown>(Object.entries(values))
  const isGiven = (name: string) => given.get(flagOf(name)) === true
  const chosen = <T extends string>(all: readonly T[]): readonly T[] =>
    all.some(isGiven) ? all.filter(isGiven) : all
  const quick = isGiven('quick')
  const sets = Number(values.sets ?? (quick ? 1 : 5))
  if (!Number.isInteger(sets) || sets < 1)
    throw new Error(`Expected --sets to be an integer of at least 1, got ${values.sets}.`)
  const hasPages = isGiven('pages') || !names.some(isGiven)
  const measured = chosen(
    quick && !variants.some(isGiven) ? variants.filter((one) => !NOT_QUICK.includes(one)) : variants,
  )
  return {
    json: isGiven('json'),
    quick,
    sets,
    orms: chosen(ORMS),
    databases: quick && !DATABASES.some(isGiven) ? ['SQLite'] : chosen(DATABASES),
    programs: chosen(PROGRAMS),
    variants: VARIANTS.filter(
      (variant) =>
        measured.includes(variant) ||
        measured.some((one) => baselineOf(one) === variant) ||
        variant === 'bare',
    ),
    hasCells: !isGiven('pages') || names.some(isGiven),
    hasPages,
  }
}
