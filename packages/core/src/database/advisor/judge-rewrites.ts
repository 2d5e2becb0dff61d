import { SqlSyntaxError } from '../../sql/syntax-error.ts'
import { readQueryTree } from '../../sql/tree/read-sql.ts'
import { inlineValues } from '../explain/literals.ts'
import { type IndexDefinition, indexLabel } from '../index-definition.ts'
import type { DatabaseSnapshot } from '../inspectors/database-snapshot.ts'
import type { Rewrite } from '../rewrites/rewrite.ts'
import { suggestRewrites } from '../rewrites/suggest-rewrites.ts'
import type { RewriteAdvice } from './advice.ts'
import { isGain, type RewriteRuns, type RewriteTimer } from './index-check.ts'
import type { Thresholds, TimeLimits } from './limits.ts'
import { resolveStatement } from './resolve-statement.ts'
import type { ReadStatement } from './resolve-workload.ts'
import type { Statistics } from './statistics.ts'
import { supposedBindings } from './supposed-bindings.ts'
import { isMaterial, measuredFactor } from './table-costs.ts'
import type { SupposedIndex, WhatIfPlanner } from './what-if-planner.ts'

const MAX_STATEMENTS = 200
/** Maximum remaining share of the planner's cost, if a rewrite is not measured. */
const MAX_LEFT = 0.7
/** Measured gains are only trusted if the planner does not expect a loss by more than this. */
const MAX_LOSS = 1.1
/** A page for which nothing is known of its position: far enough for OFFSET to matter. */
const FAR_OFFSET = 1_000
/** Cost of a search by patterns from which a different kind of index is worth it. */
const MIN_SEARCH_COST = 100

export interface RewriteContext {
  readonly snapshot: DatabaseSnapshot
  readonly statistics: Statistics
  readonly planner: WhatIfPlanner
  readonly thresholds: Thresholds
  /** The recommended indexes. */
  readonly chosen: readonly SupposedIndex[]
  /** Milliseconds of the workload. */
  readonly wholeMs: number
  /** Whether trigram indexes were tried: then they are recommended as indexes. */
  readonly hasTrigrams: boolean
  readonly timer: RewriteTimer | undefined
  readonly limits: TimeLimits | undefined
}

/**
 * Finds the rewrites that win: the planner's cost of each is compared with the statement's, with the
 * recommended indexes, and both run on a sample if there is one.
 */
export async function judgeRewrites(
  statements: readonly ReadStatement[],
  context: RewriteContext,
): Promise<RewriteAdvice[]> {
  const { wholeMs, limits } = context
  const relevant = statements.filter(({ entry }) => wholeMs === 0 || isMaterial(entry, wholeMs))
  const longest = [...relevant].sort((a, b) => b.entry.totalMs - a.entry.totalMs).slice(0, MAX_STATEMENTS)
  const found: RewriteAdvice[] = []
  for (const statement of longest) {
    if (limits?.isOver() === true) break
    found.push(...(await new StatementJudge(statement, context).judge()))
  }
  return found
}

/** A statement with one set of its values, and its rewrite. */
interface Pair {
  readonly before: string
  readonly rewrite: Rewrite
}

class StatementJudge {
  constructor(
    private readonly statement: ReadStatement,
    private readonly context: RewriteContext,
  ) {}

  async judge(): Promise<RewriteAdvice[]> {
    const { entry } = this.statement
    const rewrites = this.#suggest(entry.sql, entry.samples[0]).filter(
      // The same columns of the same rows cost the same.
      ({ rule }) => rule !== 'star-to-columns',
    )
    const found: RewriteAdvice[] = []
    for (const [at, rewrite] of rewrites.entries()) {
      const nth = rewrites.slice(0, at).filter(({ rule }) => rule === rewrite.rule).length
      try {
        const advice = await this.#judgeOne(rewrite, nth)
        if (advice !== undefined) found.push(advice)
      } catch {
        // A rewrite that the planner refuses is not proposed.
      }
    }
    return found
  }

  async #judgeOne(rewrite: Rewrite, nth: number): Promise<RewriteAdvice | undefined> {
    const { entry } = this.statement
    const sets = this.#bindings()
    if (sets === undefined) return undefined
    const literal = sets.map((values) => inlineValues(entry.sql, this.context.snapshot.dialect, values))
    if (rewrite.rule === 'substring-search') return this.#judgeSearch(rewrite, literal, nth)
    const pairs = literal.flatMap((before): Pair[] => {
      const own = this.#suggest(before, undefined).filter(({ rule }) => rule === rewrite.rule)[nth]
      return own === undefined ? [] : [{ before, rewrite: own }]
    })
    if (pairs.length === 0) return undefined
    const indexes = this.#missing(rewrite)
    const all = [...this.context.chosen, ...indexes]
    let before = 0
    let after = 0
    for (const pair of pairs) {
      before += (await this.#costOf(pair.before, this.context.chosen)) / pairs.length
      after += (await this.#costOf(pair.rewrite.after, all)) / pairs.length
    }
    const factor = measuredFactor(entry, before)
    const cost = { before: before * factor, after: after * factor }
    const ddl = indexes.length > 0 || rewrite.indexes === undefined ? rewrite.ddl : []
    const advice = { fingerprint: entry.fingerprint, rewrite: { ...rewrite, ddl }, cost }
    const needed = indexes.map(({ definition }) => definition)
    const measured = await this.#measure(pairs, before, { ddl, needed })
    if (measured !== undefined) {
      const { before: without, after: present, unit } = measured
      const isCheaper = after <= before * MAX_LEFT
      // The gain grows with the position of the page, which a sample cuts off.
      const isFaster =
        isGain({ fingerprint: entry.fingerprint, without, with: present, unit }) ||
        (rewrite.rule === 'or-to-row-values' && isCheaper && present <= without)
      return isFaster && after <= before * MAX_LOSS ? { ...advice, measured } : undefined
    }
    const isCheaper =
      after <= before * MAX_LEFT && cost.before - cost.after >= this.context.thresholds.minSaving
    return isCheaper ? advice : undefined
  }

  /** No planner knows the index of the rewrite: it is tried on a sample, or the search must be expensive. */
  async #judgeSearch(
    rewrite: Rewrite,
    literal: readonly string[],
    nth: number,
  ): Promise<RewriteAdvice | undefined> {
    const { entry } = this.statement
    if (this.context.hasTrigrams) return undefined
    const [sql = ''] = literal
    const before = await this.#costOf(sql, this.context.chosen)
    if (before * measuredFactor(entry, before) < MIN_SEARCH_COST) return undefined
    const own = this.#suggest(sql, undefined).filter(({ rule }) => rule === rewrite.rule)[nth]
    const measured =
      own && (await this.#measure([{ before: sql, rewrite: own }], before, { ddl: own.ddl, needed: [] }))
    const advice = { fingerprint: entry.fingerprint, rewrite }
    if (measured === undefined) return advice
    const { before: without, after: present, unit } = measured
    return isGain({ fingerprint: entry.fingerprint, without, with: present, unit })
      ? { ...advice, measured }
      : undefined
  }

  #bindings(): readonly (readonly unknown[])[] | undefined {
    const { entry, use } = this.statement
    const sets = supposedBindings(use, entry.samples, this.context.statistics)
    const isSeen = entry.samples.length > 0
    return sets?.map((values) =>
      values.map((value, place) =>
        !isSeen && use.parameters[place]?.kind === 'offset' ? FAR_OFFSET : value,
      ),
    )
  }

  #suggest(sql: string, bindings: readonly unknown[] | undefined): readonly Rewrite[] {
    const { snapshot } = this.context
    try {
      const tree = readQueryTree(sql, snapshot.dialect)
      return suggestRewrites(tree, snapshot, bindings === undefined ? {} : { bindings })
    } catch (error) {
      if (error instanceof SqlSyntaxError) return []
      throw error
    }
  }

  /** Cost of a statement with literals. Additional values of a rewrite are derived from the statistics. */
  async #costOf(sql: string, indexes: readonly SupposedIndex[]): Promise<number> {
    const { snapshot, statistics, planner } = this.context
    const use = resolveStatement(readQueryTree(sql, snapshot.dialect), snapshot)
    const bindings = supposedBindings(use, [], statistics)
    if (bindings === undefined) return Number.POSITIVE_INFINITY
    return (await planner.answer({ id: -1, sql, bindings, use }, indexes)).cost
  }

  /** Indexes that a rewrite needs and that are neither there nor recommended. */
  #missing({ indexes = [] }: Rewrite): SupposedIndex[] {
    const begins = (definition: IndexDefinition) =>
      this.context.chosen.some(
        (index) =>
          index.definition.table === definition.table &&
          index.definition.where === undefined &&
          index.definition.keys[0]?.column === definition.keys[0]?.column,
      )
    return indexes
      .filter((definition) => !begins(definition))
      .map((definition) => ({ definition, label: indexLabel(definition), share: 1 }))
  }

  async #measure(
    pairs: readonly Pair[],
    cost: number,
    needs: Pick<RewriteRuns, 'ddl' | 'needed'>,
  ): Promise<RewriteAdvice['measured']> {
    const { timer, chosen, snapshot, statistics } = this.context
    if (timer === undefined) return undefined
    const runs = pairs.map(({ before, rewrite }) => {
      const use = resolveStatement(readQueryTree(rewrite.after, snapshot.dialect), snapshot)
      const [values = []] = supposedBindings(use, [], statistics) ?? []
      return { before, after: inlineValues(rewrite.after, snapshot.dialect, values) }
    })
    const tables = this.statement.use.uses.map(({ table }) => table)
    return timer({ runs, tables, indexes: chosen.map(({ definition }) => definition), ...needs, cost })
  }
}
