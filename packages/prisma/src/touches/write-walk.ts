import { type Change, MAX_WRITTEN_ROWS } from '@sluice/core/adapter'
import { type Fields, isFields, listOf } from '../argument-shapes.ts'
import type { PrismaModel, PrismaRelation } from '../schema/prisma-model.ts'
import type { PrismaSchema } from '../schema/prisma-schema.ts'
import { ChangeList } from './change-list.ts'
import { type KeyOf, pinnedRows } from './pinned-rows.ts'
import type { ReadWalk } from './read-walk.ts'

/** The buckets of rows; `undefined` for any. */
type Rows = readonly number[] | undefined

/** Collects the writes of an operation, and its reads, from its arguments. */
export class WriteWalk {
  readonly #list = new ChangeList()
  #opaque = false

  constructor(
    private readonly schema: PrismaSchema,
    private readonly reads: ReadWalk,
    private readonly keyOf: KeyOf,
  ) {}

  get changes(): readonly Change[] {
    return this.#list.changes
  }

  /** Whether the writes of a part of the operation cannot be determined. */
  get opaque(): boolean {
    return this.#opaque
  }

  /** The rows that a filter can match at most. */
  rowsOf(model: PrismaModel, where: unknown): Rows {
    const key = where === undefined ? undefined : this.keyOf(model.table)
    return key === undefined ? undefined : pinnedRows(model, key, where, MAX_WRITTEN_ROWS)?.buckets
  }

  /** @param data - One row or a list of rows; `undefined`: a row with default values. */
  create(model: PrismaModel, data: unknown): void {
    this.#write(model)
    this.#list.insert(model.table)
    for (const row of listOf(data)) if (isFields(row)) this.#nestedOf(model, row, true, undefined)
  }

  /** @param rows - The updated rows, or a superset of them. */
  update(model: PrismaModel, data: unknown, rows: Rows): void {
    this.#write(model)
    this.#emulated(model)
    if (!isFields(data)) {
      this.#list.update(model.table, undefined, rows)
      return
    }
    const columns = changedColumns(model, data)
    // If only relations change, Prisma does not modify the row itself.
    if (columns === undefined || columns.length > 0) this.#list.update(model.table, columns, rows)
    this.#nestedOf(model, data, false, rows)
  }

  delete(model: PrismaModel, rows: Rows): void {
    this.#write(model)
    this.#emulated(model)
    this.#list.delete(model.table, rows)
  }

  /** If Prisma emulates foreign keys, it reads the tables that refer to the modified ones. */
  readChildren(): void {
    for (const table of this.schema.catalog.effectOf(this.changes).tables) {
      for (const child of this.schema.childrenOf(table)) this.reads.table(child)
    }
  }

  #write(model: PrismaModel): void {
    this.reads.table(model.table)
    // Rows written through a view are stored in tables that the schema does not name.
    if (model.isView) this.#opaque = true
  }

  /** Prisma's emulation of an unknown foreign key cannot be predicted. */
  #emulated(model: PrismaModel): void {
    if (this.schema.data.relationMode !== 'prisma') return
    for (const relation of model.relations.values()) if (relation.ambiguous) this.#opaque = true
  }

  #nestedOf(model: PrismaModel, data: Fields, isNew: boolean, rows: Rows): void {
    if (model.relations.size === 0) return
    for (const name in data) {
      const relation = model.relations.get(name)
      const steps = data[name]
      if (relation !== undefined && isFields(steps)) this.#nested(relation, steps, isNew, rows)
    }
  }

  /**
   * @param isNew - Whether this operation creates the row that has the relation.
   * @param rows - The rows that have the relation, or a superset of them.
   */
  #nested(relation: PrismaRelation, steps: Fields, isNew: boolean, rows: Rows): void {
    this.reads.through(relation)
    if (relation.ambiguous) this.#opaque = true
    for (const step in steps) {
      if (steps[step] === undefined) continue
      this.#step(relation, step, steps[step])
      // Every other step connects or disconnects rows.
      if (step !== 'update' && step !== 'updateMany') this.#link(relation, isNew, rows)
    }
  }

  #step(relation: PrismaRelation, step: string, value: unknown): void {
    const { target } = relation
    switch (step) {
      case 'create':
        this.create(target, value)
        break
      case 'createMany':
        this.create(target, isFields(value) ? value.data : undefined)
        break
      case 'connect':
      case 'disconnect':
        this.reads.where(target, value)
        this.#rekeyTarget(relation, this.#rowsOfAll(target, listOf(value)))
        break
      case 'set':
        this.reads.where(target, value)
        // Rows that are not listed are disconnected.
        this.#rekeyTarget(relation, undefined)
        break
      case 'connectOrCreate':
        for (const one of listOf(value)) {
          if (!isFields(one)) continue
          this.reads.where(target, one.where)
          this.create(target, one.create)
        }
        this.#rekeyTarget(relation, this.#rowsOfAll(target, wheresOf(value)))
        break
      case 'delete':
      case 'deleteMany':
        this.reads.where(target, value)
        this.delete(target, this.#rowsOfAll(target, listOf(value)))
        break
      case 'update':
      case 'updateMany':
        for (const one of listOf(value)) this.#updateTarget(relation, one)
        break
      case 'upsert':
        for (const one of listOf(value)) {
          if (!isFields(one)) continue
          this.reads.where(target, one.where)
          this.update(target, one.update, this.rowsOf(target, one.where))
          this.create(target, one.create)
        }
        break
      default:
        this.#opaque = true
    }
  }

  /**
   * `{ where, data }`, or for a to-one relation the data alone: if the target has a field `data`, both are
   * possible.
   */
  #updateTarget({ target, list }: PrismaRelation, value: unknown): void {
    if (!isFields(value)) return
    const isWrapped = isFields(value.data)
    if (isWrapped) {
      this.reads.where(target, value.where)
      this.update(target, value.data, this.rowsOf(target, value.where))
    }
    if (!isWrapped || (!list && target.fields.has('data'))) this.update(target, value, undefined)
  }

  /** Writes outside the target that connecting or disconnecting two rows causes. */
  #link(relation: PrismaRelation, isNew: boolean, rows: Rows): void {
    const { model, target, joinTable, foreignKeyHere, oneToOne } = relation
    if (joinTable !== undefined) {
      this.#list.insert(joinTable)
      this.#list.delete(joinTable, undefined)
    } else if (foreignKeyHere) {
      // In a one-to-one relation, a row can replace the row that was connected before.
      if (!isNew || oneToOne) this.#rekey(model, relation, oneToOne ? undefined : rows)
    } else if (oneToOne && !isNew) {
      this.#rekey(target, relation, undefined)
    }
  }

  #rekeyTarget(relation: PrismaRelation, rows: Rows): void {
    if (relation.joinTable === undefined && !relation.foreignKeyHere)
      this.#rekey(relation.target, relation, rows)
  }

  #rekey(holder: PrismaModel, { keyColumns }: PrismaRelation, rows: Rows): void {
    this.#list.update(holder.table, [...keyColumns, ...holder.updatedAtColumns], rows)
  }

  /** The rows of several filters; any, if a filter matches any rows or there is no filter. */
  #rowsOfAll(model: PrismaModel, wheres: readonly unknown[]): Rows {
    const rows: number[] = []
    for (const where of wheres) {
      const some = this.rowsOf(model, where)
      if (some === undefined) return undefined
      rows.push(...some)
    }
    return wheres.length === 0 ? undefined : rows
  }
}

function wheresOf(value: unknown): readonly unknown[] {
  return listOf(value).map((one) => (isFields(one) ? one.where : undefined))
}

/** `undefined` (any) if the data contains a field that the schema does not have. */
function changedColumns(model: PrismaModel, data: Fields): readonly string[] | undefined {
  const columns = [...model.updatedAtColumns]
  for (const name in data) {
    if (data[name] === undefined || model.relations.has(name)) continue
    const column = model.column(name)
    if (column === undefined) return undefined
    columns.push(column)
  }
  return columns
}
