import type { TableId } from '@sluice/core/adapter'
import { type Fields, isFields } from '../argument-shapes.ts'
import type { PrismaModel, PrismaRelation } from '../schema/prisma-model.ts'

const RELATION_FILTERS = ['some', 'every', 'none', 'is', 'isNot']

/** Collects the tables that an operation reads, from its arguments. */
export class ReadWalk {
  #others: Set<TableId> | undefined
  #returns = false

  constructor(private readonly root: PrismaModel) {}

  /** Whether only the root's table was found. */
  get isPlain(): boolean {
    return this.#others === undefined
  }

  /**
   * Whether a relation led back to the root's table: the result then depends on rows other than those that
   * match the filter.
   */
  get returns(): boolean {
    return this.#returns
  }

  get tables(): ReadonlySet<TableId> {
    return this.#others ?? new Set([this.root.table])
  }

  table(id: TableId): void {
    if (id === this.root.table) return
    this.#others ??= new Set([this.root.table])
    this.#others.add(id)
  }

  /** Follows a relation: its target, and the join table. */
  through(relation: PrismaRelation): void {
    if (relation.target.table === this.root.table) this.#returns = true
    this.table(relation.target.table)
    if (relation.joinTable !== undefined) this.table(relation.joinTable)
  }

  where(model: PrismaModel, where: unknown): void {
    if (Array.isArray(where)) {
      for (const one of where) this.where(model, one)
      return
    }
    if (model.relations.size === 0 || !isFields(where)) return
    for (const name in where) {
      const relation = model.relations.get(name)
      if (relation !== undefined) this.#filter(relation, where[name])
      if (name === 'AND' || name === 'OR' || name === 'NOT') this.where(model, where[name])
    }
  }

  #filter(relation: PrismaRelation, filter: unknown): void {
    if (filter === undefined) return
    this.through(relation)
    if (!isFields(filter)) return
    // A to-one relation also accepts the target's filter in short form: `{ author: { name } }`.
    this.where(relation.target, filter)
    for (const name of RELATION_FILTERS)
      if (filter[name] !== undefined) this.where(relation.target, filter[name])
  }

  orderBy(model: PrismaModel, orderBy: unknown): void {
    if (Array.isArray(orderBy)) {
      for (const one of orderBy) this.orderBy(model, one)
      return
    }
    if (!isFields(orderBy)) return
    for (const name in orderBy) {
      const relation = model.relations.get(name)
      if (relation === undefined || orderBy[name] === undefined) continue
      this.through(relation)
      this.orderBy(relation.target, orderBy[name])
    }
  }

  /** `select` and `include`. */
  selection(model: PrismaModel, args: Fields): void {
    if (args.select !== undefined) this.#selected(model, args.select)
    if (args.include !== undefined) this.#selected(model, args.include)
  }

  #selected(model: PrismaModel, selected: unknown): void {
    if (!isFields(selected)) return
    for (const name in selected) {
      const value = selected[name]
      if (value === false || value === undefined || value === null) continue
      const relation = model.relations.get(name)
      if (relation !== undefined) this.#related(relation, value)
      else if (name === '_count') this.#counts(model, value)
    }
  }

  #related(relation: PrismaRelation, args: unknown): void {
    this.through(relation)
    if (!isFields(args)) return
    this.where(relation.target, args.where)
    this.orderBy(relation.target, args.orderBy)
    this.selection(relation.target, args)
  }

  /**
   * `true` counts every list. Whether a relation without a key here is a list is not always known, so it may
   * be counted too.
   */
  #counts(model: PrismaModel, counts: unknown): void {
    const chosen = isFields(counts) && isFields(counts.select) ? counts.select : undefined
    for (const relation of model.relations.values()) {
      if (relation.foreignKeyHere) continue
      const count = chosen === undefined ? true : chosen[relation.field]
      if (count === undefined || count === false) continue
      this.through(relation)
      if (isFields(count)) this.where(relation.target, count.where)
    }
  }
}
