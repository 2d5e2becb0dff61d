import { canonicalKey } from '../shared/canonical.ts'
import { DUPLICATE_QUERIES, FURTHER_KEY_SHARE, N_PLUS_ONE_QUERIES } from '../shared/thresholds.ts'
import type { Dialect } from '../sql/dialect.ts'
import { SqlSyntaxError } from '../sql/syntax-error.ts'
import { tokenize } from '../sql/tokenize.ts'
import { DifferingValue } from './differing-value.ts'
import { type Sample, type Stack, StatementValues } from './execution-group.ts'

/** Executions of one normalized query that fewer queries could replace. */
export interface Repetition {
  /**
   * `N_PLUS_ONE`: with different values. `REPEATED_QUERY`: most repeat earlier ones, with the same values and
   * no write in between.
   */
  readonly code: 'N_PLUS_ONE' | 'REPEATED_QUERY'
  readonly count: number
  /** Number of queries that are needed to fetch the same rows. */
  readonly needed: number
}

export interface RepetitionLimits {
  /** Number of executions from which a loop is reported. */
  readonly threshold: number
  /** Number of executions with the same values from which they are reported. */
  readonly repeats: number
}

export const DEFAULT_LIMITS: RepetitionLimits = { threshold: N_PLUS_ONE_QUERIES, repeats: DUPLICATE_QUERIES }

/**
 * Evaluates the executions of one normalized query from one call site. Every report of an N+1 is based on it.
 *
 * @returns `undefined` if there is nothing to report.
 */
export function repetitionAmong(
  { count, samples }: { readonly count: number; readonly samples: readonly Sample[] },
  { threshold, repeats }: RepetitionLimits,
): Repetition | undefined {
  const isLoop = count >= threshold
  // If most executions repeat earlier ones, one query for all keys does not solve the problem; otherwise, a
  // loop is an N+1.
  const found = repeatsAmong(samples, isLoop ? 0.5 : 0)
  if (found.most >= repeats) {
    const repeated = Math.round(found.share * count)
    return {
      code: 'REPEATED_QUERY',
      count: repeated,
      needed: Math.max(1, repeated - Math.round(found.needless * count)),
    }
  }
  return isLoop ? { code: 'N_PLUS_ONE', count, needed: 1 } : undefined
}

/**
 * Returns the milliseconds that a fix saves.
 *
 * @param saved - Number of saved queries.
 */
export function savedTime(code: Repetition['code'] | 'QUERY_BUDGET', saved: number, meanMs: number): number {
  // One query for all keys takes longer than one for a single key.
  return meanMs * Math.max(0, saved) * (code === 'N_PLUS_ONE' ? 1 - FURTHER_KEY_SHARE : 1)
}

/**
 * Describes a repetition and its fix. Ends without a period.
 *
 * @param fix - The query, or the code, that replaces an N+1.
 * @param place - The call site, as ` at file:line`.
 */
export function repetitionText(
  { code, count }: Pick<Repetition, 'code' | 'count'>,
  label: string,
  fix: string | undefined,
  place = '',
): string {
  const isLoop = code === 'N_PLUS_ONE'
  const how = isLoop ? (fix ?? 'query all keys with one statement') : 'query once and reuse the result'
  return `${isLoop ? 'N+1' : 'Duplicate query'}${place}: ${count} × ${label}. Instead: ${how}`
}

/**
 * Returns a statement that the app passed as a string, as an execution. Values of placeholders are unknown.
 *
 * @param writes - Number of writes before it.
 */
export function passedStatement(sql: string, dialect: Dialect, writes: number, stack?: Stack): Sample {
  return { values: hasParameters(sql, dialect) ? undefined : sql, stack, writes }
}

function hasParameters(sql: string, dialect: Dialect): boolean {
  try {
    return tokenize(sql, dialect).some(({ kind }) => kind === 'parameter')
  } catch (error) {
    if (!(error instanceof SqlSyntaxError)) throw error
    return true
  }
}

interface Repeats {
  /** Share of the executions whose values occur more than once, 0 to 1. */
  readonly share: number
  /** Share of the executions that repeat an earlier one, 0 to 1. */
  readonly needless: number
  /** Number of executions with the most frequent values. */
  readonly most: number
}

const NONE: Repeats = { share: 0, needless: 0, most: 1 }

/**
 * How often executions of one normalized query had the same values, without a write of the scope in between.
 * Values that cannot be compared count as different.
 *
 * @param least - The share of repeated executions below which the rest does not matter: most groups are
 * abandoned halfway.
 */
function repeatsAmong(samples: readonly Sample[], least: number): Repeats {
  const differing = new DifferingValue()
  return (
    repeatsByKey(samples, least, (sample) => differing.keyOf(sample), true) ??
    repeatsByKey(samples, least, canonicalText, false) ??
    NONE
  )
}

/** @param isComplete - Whether the result is `undefined` if any key is: the other keys are invalid then. */
function repeatsByKey(
  samples: readonly Sample[],
  least: number,
  keyOf: (sample: Sample) => unknown,
  isComplete: boolean,
): Repeats | undefined {
  const times = new Map<unknown, number>()
  const mostDifferent = samples.length * (1 - least)
  let known = 0
  let different = 0
  for (const sample of samples) {
    const key = keyOf(sample)
    if (key === undefined && isComplete) return undefined
    const before = key === undefined ? 0 : (times.get(key) ?? 0)
    if (before === 0) different += 1
    if (different > mostDifferent) return NONE
    if (key === undefined) continue
    known += 1
    times.set(key, before + 1)
  }
  if (times.size === known) return NONE
  const counts = [...times.values()]
  const repeated = counts.filter((count) => count > 1).reduce((sum, count) => sum + count, 0)
  return {
    share: repeated / samples.length,
    needless: (known - times.size) / samples.length,
    most: Math.max(...counts),
  }
}

function canonicalText({ values, writes }: Sample): string | undefined {
  const compared = values instanceof StatementValues ? [values.sql, values.params] : values
  const key = compared === undefined ? undefined : canonicalKey(compared)
  return key === undefined ? undefined : `${writes} ${key}`
}
