import type { TableId } from '../../../schema/catalog-data.ts'
import type { IndexDefinition } from '../../index-definition.ts'
import type { CandidateContext } from '../candidates.ts'
import { covers } from '../index-coverage.ts'
import { KeyMaker } from '../key-maker.ts'
import { limitOf, termValue } from '../statistics.ts'
import { MET_AT, ROW, type Search, TableCosts, UNITS_A_ROW } from '../table-costs.ts'
import type { TableConditions, TableUse } from '../table-use.ts'
import type {
  PlannedStatement,
  PlannerAnswer,
  SupposedIndex,
  Validation,
  WhatIfPlanner,
} from '../what-if-planner.ts'

/** A way to read one table, after others or as the first. */
interface Access {
  readonly use: TableUse
  readonly indexes: readonly IndexDefinition[]
  /** In rows, for each row that was read before. */
  readonly cost: number
  /** Rows that it returns for each. */
  readonly rows: number
  /** Whether its rows have the order or the groups that the statement requires. */
  readonly isOrdered: boolean
  readonly isScan: boolean
  /**
   * Whether an index is read in its order past rows that a condition on its column excludes: the remaining
   * ones can all be at the end.
   */
  readonly walksPast?: boolean
}

/**
 * A planner for databases without a what-if planner: each table is read with the index that reads least, in
 * the order that reads least. It only knows the statistics, so its choice must be measured, or marked as not
 * validated.
 */
export class ModelPlanner implements WhatIfPlanner {
  readonly validation: Validation = 'none'
  readonly #costs: TableCosts
  readonly #keyMakers = new Map<TableId, KeyMaker>()

  constructor(private readonly context: CandidateContext) {
    this.#costs = new TableCosts(context)
  }

  async answer(statement: PlannedStatement, supposed: readonly SupposedIndex[]): Promise<PlannerAnswer> {
    const used = new Set<string>()
    const scans = new Map<TableId, number>()
    const labels = new Map(supposed.map(({ definition, label }) => [definition, label]))
    const indexes = [...labels.keys()]
    let cost = 0
    for (const bindings of statement.bindings) {
      for (const component of componentsOf(statement.use.uses)) {
        const plan = this.#plan(component, indexes, bindings, limitOf(statement.use, bindings))
        cost += (plan.cost * UNITS_A_ROW) / statement.bindings.length
        for (const { use, indexes: chosen, isScan, cost: own } of plan.steps) {
          for (const index of chosen) {
            const label = labels.get(index)
            if (label !== undefined) used.add(label)
          }
          if (isScan)
            scans.set(
              use.table.id,
              (scans.get(use.table.id) ?? 0) + (own * UNITS_A_ROW) / statement.bindings.length,
            )
        }
      }
    }
    return { cost, used, scans }
  }

  async close(): Promise<void> {}

  /** The cheapest of the plans that begin with each table in each way. */
  #plan(
    uses: readonly TableUse[],
    indexes: readonly IndexDefinition[],
    bindings: readonly unknown[],
    limit: number | undefined,
  ): { readonly cost: number; readonly steps: readonly Access[] } {
    let best: { cost: number; steps: Access[] } | undefined
    const independent = uses.filter(({ dependence }) => dependence === 'none')
    for (const first of independent.length > 0 ? independent : uses) {
      for (const access of this.#accesses(first, indexes, bindings, () => false)) {
        const steps = [access]
        const bound = new Set([first.place])
        let rows = access.rows
        let cost = access.cost
        while (bound.size < uses.length) {
          const next = this.#next(uses, bound, indexes, bindings)
          steps.push(next)
          bound.add(next.use.place)
          cost += rows * next.cost
          rows *= rowsFor(next)
        }
        const total = this.#finished(uses, access, { cost, rows, limit })
        if (best === undefined || total < best.cost) best = { cost: total, steps }
      }
    }
    return best ?? { cost: 0, steps: [] }
  }

  #next(
    uses: readonly TableUse[],
    bound: ReadonlySet<number>,
    indexes: readonly IndexDefinition[],
    bindings: readonly unknown[],
  ): Access {
    const isBound = (place: number) => bound.has(place)
    const open = uses.filter(({ place }) => !bound.has(place))
    const joined = open.filter((use) =>
      use.joins.some(({ other }) => other !== undefined && bound.has(other.use)),
    )
    const choices = (joined.length > 0 ? joined : open).flatMap((use) =>
      this.#accesses(use, indexes, bindings, isBound),
    )
    return choices.reduce((best, access) =>
      access.cost + access.rows < best.cost + best.rows ? access : best,
    )
  }

  /** Adds sorting and grouping, and what a limit saves. */
  #finished(
    uses: readonly TableUse[],
    first: Access,
    {
      cost,
      rows,
      limit: whole,
    }: { readonly cost: number; readonly rows: number; readonly limit: number | undefined },
  ): number {
    const matching = uses.find(
      ({ order, group, isExtreme }) => (order.length > 0 && !isExtreme) || group.length > 0,
    )
    const isSorted = matching === undefined || (matching === first.use && first.isOrdered)
    const limit = uses.some(({ isLimited }) => isLimited) ? whole : undefined
    const isGrouped = matching !== undefined && matching.group.length > 0
    if (!isSorted) return cost + (isGrouped ? rows * ROW.grouped : this.#costs.sortCost(rows, limit))
    if (limit === undefined || rows <= limit || isGrouped || matching === undefined) return cost
    return Math.max(2, cost * Math.max(limit / rows, first.walksPast === true ? MET_AT : 0))
  }

  #accesses(
    use: TableUse,
    supposed: readonly IndexDefinition[],
    bindings: readonly unknown[],
    isBound: (place: number) => boolean,
  ): Access[] {
    const rows = this.#costs.rows(use) * this.#costs.share(use, bindings, isBound)
    const accesses: Access[] = [
      {
        use,
        indexes: [],
        cost: this.#costs.rows(use),
        rows,
        isOrdered: use.order.length === 0 && use.group.length === 0,
        isScan: true,
      },
    ]
    const indexes = [
      ...this.#existing(use),
      ...supposed.filter((index) => index.table === use.table.id || index.table === use.table.parent),
    ]
    for (const index of indexes) {
      const access = this.#byIndex(use, use, index, bindings, isBound)
      if (access !== undefined) accesses.push({ ...access, rows })
    }
    for (const arms of use.alternatives) {
      const parts = arms.map((arm) => this.#bestArm(use, arm, indexes, bindings, isBound))
      if (parts.some((part) => part === undefined)) continue
      const found = parts as Access[]
      const cost = found.reduce((sum, part) => sum + part.cost, 0)
      accesses.push({
        use,
        indexes: found.flatMap((part) => part.indexes),
        cost,
        rows,
        isOrdered: false,
        isScan: false,
      })
    }
    return accesses
  }

  #bestArm(
    use: TableUse,
    arm: TableConditions,
    indexes: readonly IndexDefinition[],
    bindings: readonly unknown[],
    isBound: (place: number) => boolean,
  ): Access | undefined {
    const whole = { conditions: [...arm.conditions, ...use.conditions], joins: [...arm.joins, ...use.joins] }
    const choices = indexes.flatMap((index) => {
      const access = this.#byIndex(use, whole, index, bindings, isBound)
      // An index for conditions of all arms does not help a single arm.
      const isOfArm = arm.conditions.some(({ column }) => index.keys[0]?.column === column)
      return access === undefined || !isOfArm ? [] : [access]
    })
    return choices.length === 0
      ? undefined
      : choices.reduce((best, access) => (access.cost < best.cost ? access : best))
  }

  #byIndex(
    use: TableUse,
    arm: TableConditions,
    index: IndexDefinition,
    bindings: readonly unknown[],
    isBound: (place: number) => boolean,
  ): Access | undefined {
    const { alwaysHeld } = this.#keyMaker(use)
    const isClustered =
      alwaysHeld.length > 0 && index.keys.every(({ column }, at) => column === alwaysHeld[at])
    const isCovered = isClustered || this.#costs.isCovered(use, index, alwaysHeld)
    const search = this.#costs.search(use, arm, index, bindings, isBound)
    const fixed = new Set([
      ...(search?.equalities ?? []).map(({ column }) => column),
      ...fixedColumns(arm, bindings),
    ])
    const isOrdered = arm === use && this.#returnsOrder(use, index, fixed, (search?.seeks ?? 1) === 1)
    if (use.isExtreme && isOrdered && this.#isFirstEnough(arm, search, index)) {
      const cost = this.#costs.searchCost(use, { seeks: 1, rows: 1 }, isCovered)
      return { use, indexes: [index], cost, rows: 1, isOrdered, isScan: false }
    }
    if (search !== undefined) {
      const cost = this.#costs.searchCost(use, search, isCovered)
      return { use, indexes: [index], cost, rows: search.rows, isOrdered, isScan: false }
    }
    const held = this.#costs.heldShare(use, arm, index)
    if (held === undefined || !(isOrdered || isCovered || held < 1)) return undefined
    const rows = this.#costs.rows(use) * held
    const walksPast = arm.conditions.some(({ column }) => column === index.keys[0]?.column)
    return {
      use,
      indexes: [index],
      cost: rows * (isCovered ? ROW.covered : ROW.byIndex),
      rows,
      isOrdered,
      isScan: false,
      walksPast,
    }
  }

  /**
   * Whether the first row of an index is the least or the greatest one: all conditions are equalities that
   * are searched. MySQL needs their values before it runs the statement.
   */
  #isFirstEnough(arm: TableConditions, search: Search | undefined, { where }: IndexDefinition): boolean {
    const columns = new Set([
      ...arm.conditions.map(({ column }) => column),
      ...arm.joins.map(({ column }) => column),
    ])
    const isKnown = this.context.snapshot.dialect !== 'mysql' || arm.joins.length === 0
    return isKnown && where === undefined && columns.size === (search?.equalities.length ?? 0)
  }

  /** Whether an index gives the rows in the statement's order or groups, columns with one value set aside. */
  #returnsOrder(
    use: TableUse,
    index: IndexDefinition,
    fixed: ReadonlySet<string>,
    isSingle: boolean,
  ): boolean {
    if (!isSingle || index.keys.some(({ prefixLength }) => prefixLength !== undefined)) return false
    const required =
      use.order.length > 0 ? use.order : use.group.map((column) => ({ column, isDescending: false }))
    if (required.length === 0) return true
    const held = this.#keyMaker(use).alwaysHeld
    const keys = [
      ...index.keys,
      ...held
        .filter((column) => index.keys.every((key) => key.column !== column))
        .map((column) => ({ column })),
    ]
    const rest = keys.filter(({ column }) => !fixed.has(column))
    const open = required.filter(({ column }) => !fixed.has(column))
    if (use.order.length === 0) {
      const first = rest.slice(0, open.length).map(({ column }) => column)
      return open.every(({ column }) => first.includes(column))
    }
    const isMatch = (isReversed: boolean) =>
      open.every(({ column, isDescending }, at) => {
        const key: { readonly column: string; readonly isDescending?: boolean } | undefined = rest[at]
        return key?.column === column && (key.isDescending === true) === (isDescending !== isReversed)
      })
    return isMatch(false) || isMatch(true)
  }

  #existing(use: TableUse): IndexDefinition[] {
    const { table } = use
    const indexes = table.indexes.filter(
      ({ isValid, isVisible, method }) => isValid && isVisible && method === 'btree',
    )
    if (table.primaryKey.length === 0) return [...indexes]
    const key: IndexDefinition = {
      table: table.id,
      keys: table.primaryKey.map((column) => ({ column })),
      method: 'btree',
      isUnique: true,
    }
    return indexes.some((index) => covers(index, key)) ? [...indexes] : [key, ...indexes]
  }

  #keyMaker({ table }: TableUse): KeyMaker {
    let maker = this.#keyMakers.get(table.id)
    if (maker === undefined) {
      maker = new KeyMaker(this.context.snapshot, table)
      this.#keyMakers.set(table.id, maker)
    }
    return maker
  }
}

/** Rows for each row that was read before. */
function rowsFor({ use: { dependence }, rows }: Access): number {
  if (dependence === 'subquery') return 1
  return dependence === 'outer' ? Math.max(1, rows) : rows
}

/** Columns that have one value in all rows that are asked for. */
function fixedColumns({ conditions }: TableConditions, bindings: readonly unknown[]): string[] {
  return conditions.flatMap(({ column, operator, negated, values, call }) => {
    const isOne = operator === '=' || operator === 'is null' || (operator === 'in' && values.length === 1)
    return isOne &&
      !negated &&
      call === undefined &&
      values.every((term) => termValue(term, bindings) !== null)
      ? [column]
      : []
  })
}

/**
 * Tables that are joined with each other; others are read apart, and so is what is grouped before the rest is
 * limited.
 */
function componentsOf(uses: readonly TableUse[]): TableUse[][] {
  const group = uses.map((_, at) => at)
  const find = (at: number): number => (group[at] === at ? at : find(group[at] ?? at))
  const hasLimit = uses.some(({ isLimited }) => isLimited)
  const isApart = (use: TableUse | undefined) =>
    hasLimit && use !== undefined && use.group.length > 0 && !use.isLimited
  for (const use of uses) {
    for (const { other } of use.joins)
      if (other !== undefined && !isApart(use) && !isApart(uses[other.use]))
        group[find(use.place)] = find(other.use)
  }
  const components = new Map<number, TableUse[]>()
  for (const use of uses) {
    const root = find(use.place)
    components.set(root, [...(components.get(root) ?? []), use])
  }
  return [...components.values()]
}
