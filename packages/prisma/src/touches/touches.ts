import { type Change, type KeyedRows, MAX_READ_ROWS, type TableId } from '@sluice/core/adapter'
import { type Fields, isFields } from '../argument-shapes.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'
import type { PrismaSchema } from '../schema/prisma-schema.ts'
import { type KeyOf, pinnedRows } from './pinned-rows.ts'
import { ReadWalk } from './read-walk.ts'
import { WriteWalk } from './write-walk.ts'

/** The tables and rows that an operation reads or modifies, inferred from its arguments. */
export interface Touches {
  /** The tables that it reads; views by their own id. */
  readonly reads: ReadonlySet<TableId>
  /** Set for a read that returns rows of the model's table, and depends on no other rows of that table. */
  readonly pinned?: PinnedRows
  /**
   * Direct writes of the operation; `catalog.effectOf(changes)` adds the writes that the database makes as a
   * consequence.
   */
  readonly changes: readonly Change[]
  /** The operation may read or modify more, in unknown ways. */
  readonly opaque: boolean
}

interface PinnedRows extends KeyedRows {
  readonly table: TableId
}

const OPAQUE: Touches = Object.freeze({ reads: new Set<TableId>(), changes: [], opaque: true })

/** The results for reads that only use their own table: one per model. */
const plainReads = new WeakMap<PrismaModel, Touches>()

/**
 * Predicts what one operation of a Prisma client reads and modifies. It never misses a table or a row; it may
 * include some that are not used.
 *
 * @param action - Prisma's name: `findMany`, `update`, … An unknown action is opaque, and so is an unknown
 * model.
 * @param args - The operation's arguments, as passed by the caller.
 * @param keyOf - The key that identifies the rows of each table. Default: from the schema.
 */
export function touches(
  schema: PrismaSchema,
  model: string,
  action: string,
  args: unknown,
  keyOf: KeyOf = (table) => schema.rowKey(table),
): Touches {
  const root = schema.models.get(model)
  if (root === undefined) return OPAQUE
  switch (action) {
    case 'findUnique':
    case 'findUniqueOrThrow':
    case 'findFirst':
    case 'findFirstOrThrow':
    case 'findMany':
      return rowTouches(root, action, args, keyOf)
    case 'count':
    case 'aggregate':
    case 'groupBy':
      return readTouches(walked(root, args), root)
    default:
      return writeTouches(schema, root, action, isFields(args) ? args : {}, keyOf)
  }
}

function walked(root: PrismaModel, args: unknown): ReadWalk {
  const reads = new ReadWalk(root)
  if (!isFields(args)) return reads
  reads.where(root, args.where)
  reads.orderBy(root, args.orderBy)
  return reads
}

function readTouches(reads: ReadWalk, root: PrismaModel): Touches {
  return reads.isPlain ? plainRead(root) : { reads: reads.tables, changes: [], opaque: false }
}

function rowTouches(root: PrismaModel, action: string, args: unknown, keyOf: KeyOf): Touches {
  const reads = walked(root, args)
  if (!isFields(args)) return plainRead(root)
  reads.selection(root, args)
  const touched = readTouches(reads, root)
  const pinned = reads.returns || isPaged(args) ? undefined : pinnedBy(root, args.where, keyOf)
  if (pinned === undefined) return touched
  // If several rows are expected, the first row does not prove that the others existed.
  const isCertain = action === 'findMany' || pinned.count === 1
  return isCertain ? { reads: touched.reads, changes: touched.changes, opaque: false, pinned } : touched
}

function pinnedBy(root: PrismaModel, where: unknown, keyOf: KeyOf): PinnedRows | undefined {
  const key = where === undefined ? undefined : keyOf(root.table)
  const rows = key === undefined ? undefined : pinnedRows(root, key, where, MAX_READ_ROWS)
  return rows === undefined ? undefined : { table: root.table, buckets: rows.buckets, count: rows.count }
}

function isPaged({ take, skip, cursor, distinct }: Fields): boolean {
  return take !== undefined || skip !== undefined || cursor !== undefined || distinct !== undefined
}

function plainRead(model: PrismaModel): Touches {
  const known = plainReads.get(model)
  if (known !== undefined) return known
  const plain = Object.freeze({ reads: new Set([model.table]), changes: Object.freeze([]), opaque: false })
  plainReads.set(model, plain)
  return plain
}

function writeTouches(
  schema: PrismaSchema,
  root: PrismaModel,
  action: string,
  args: Fields,
  keyOf: KeyOf,
): Touches {
  const reads = new ReadWalk(root)
  const writes = new WriteWalk(schema, reads, keyOf)
  switch (action) {
    case 'create':
    case 'createMany':
    case 'createManyAndReturn':
      writes.create(root, args.data)
      break
    case 'update':
    case 'updateMany':
    case 'updateManyAndReturn':
      writes.update(root, args.data, writes.rowsOf(root, args.where))
      break
    case 'upsert':
      writes.update(root, args.update, writes.rowsOf(root, args.where))
      writes.create(root, args.create)
      break
    case 'delete':
    case 'deleteMany':
      writes.delete(root, writes.rowsOf(root, args.where))
      break
    default:
      return OPAQUE
  }
  reads.where(root, args.where)
  reads.selection(root, args)
  if (schema.data.relationMode === 'prisma') writes.readChildren()
  return { reads: reads.tables, changes: writes.changes, opaque: writes.opaque }
}
