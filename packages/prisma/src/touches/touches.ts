import type { Change, TableId } from '@sluice/core'
import type { PrismaModel } from '../schema/prisma-model.ts'
import type { PrismaSchema } from '../schema/prisma-schema.ts'
import { isFields } from './argument-shapes.ts'
import { ReadWalk } from './read-walk.ts'
import { WriteWalk } from './write-walk.ts'

/** The tables that an operation touches, told from its arguments. */
export interface Touches {
  /** The tables that it reads; views by their own id. */
  readonly reads: ReadonlySet<TableId>
  /** What it writes itself; `catalog.effectOf(changes)` adds what the database draws from it. */
  readonly changes: readonly Change[]
  /** It may touch more than that, in ways that are not known. */
  readonly opaque: boolean
}

const OPAQUE: Touches = Object.freeze({ reads: new Set<TableId>(), changes: [], opaque: true })

/** The touches of reads that stay in their own table: one for each model. */
const plainReads = new WeakMap<PrismaModel, Touches>()

/**
 * Predicts what one operation of a Prisma client touches. It never misses a table; it may name some that are not touched.
 *
 * @param action - As Prisma calls it: `findMany`, `update`, … An unknown one is opaque, as is an unknown model.
 * @param args - The operation's arguments as given by the caller.
 */
export function touches(schema: PrismaSchema, model: string, action: string, args: unknown): Touches {
  const root = schema.models.get(model)
  if (root === undefined) return OPAQUE
  switch (action) {
    case 'findUnique':
    case 'findUniqueOrThrow':
    case 'findFirst':
    case 'findFirstOrThrow':
    case 'findMany':
      return readTouches(root, args, true)
    case 'count':
    case 'aggregate':
    case 'groupBy':
      return readTouches(root, args, false)
    default:
      return writeTouches(schema, root, action, isFields(args) ? args : {})
  }
}

function readTouches(root: PrismaModel, args: unknown, selects: boolean): Touches {
  const reads = new ReadWalk(root)
  if (isFields(args)) {
    reads.where(root, args.where)
    reads.orderBy(root, args.orderBy)
    if (selects) reads.selection(root, args)
  }
  return reads.isPlain ? plainRead(root) : { reads: reads.tables, changes: [], opaque: false }
}

function plainRead(model: PrismaModel): Touches {
  const known = plainReads.get(model)
  if (known !== undefined) return known
  const plain = Object.freeze({ reads: new Set([model.table]), changes: Object.freeze([]), opaque: false })
  plainReads.set(model, plain)
  return plain
}

function writeTouches(schema: PrismaSchema, root: PrismaModel, action: string, args: Readonly<Record<string, unknown>>): Touches {
  const reads = new ReadWalk(root)
  const writes = new WriteWalk(schema, reads)
  switch (action) {
    case 'create':
    case 'createMany':
    case 'createManyAndReturn':
      writes.create(root, args.data)
      break
    case 'update':
    case 'updateMany':
    case 'updateManyAndReturn':
      writes.update(root, args.data)
      break
    case 'upsert':
      writes.update(root, args.update)
      writes.create(root, args.create)
      break
    case 'delete':
    case 'deleteMany':
      writes.delete(root)
      break
    default:
      return OPAQUE
  }
  reads.where(root, args.where)
  reads.selection(root, args)
  if (schema.data.relationMode === 'prisma') writes.readChildren()
  return { reads: reads.tables, changes: writes.changes, opaque: writes.opaque }
}
