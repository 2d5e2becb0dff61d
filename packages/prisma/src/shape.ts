import { createHash } from 'node:crypto'
import type { Dialect } from '@sluice/core'
import { type AnalyzedSql, Gain, type OperationKind, type RowSource, type Shape } from '@sluice/core/adapter'
import { isPlainObject } from './argument-shapes.ts'
import { ArgumentStructure, WRITTEN } from './argument-structure.ts'
import { constantConditions } from './constant-conditions.ts'
import { fixFor, follows } from './fix.ts'
import { planLookup } from './lookup-plan.ts'
import { flatWhere } from './lookups/flat-where.ts'
import type { LookupPlan } from './lookups/keyed-plan.ts'
import { leavesOut, type OmittedFields } from './lookups/selection.ts'
import { type PrismaShape, rowSourceOf, TraceSchedule } from './prisma-shape.ts'
import type { PrismaModel } from './schema/prisma-model.ts'

const MAX_SHAPES = 2000

/** The shapes of one client's operations, each built once. */
export class PrismaShapes {
  readonly #raw = new Map<string, PrismaShape>()
  #calls = newStructures()
  #size = 0

  /**
   * @param isExact - Whether the schema contains the types of columns.
   * @param omitted - Fields that the client omits from rows, by the model's name in the client.
   */
  constructor(
    private readonly dialect: Dialect,
    private readonly isExact: boolean = false,
    private readonly omitted: Readonly<Record<string, OmittedFields | undefined>> = {},
  ) {}

  /** Clears all shapes, because more is known about the models than when they were built. */
  clear(): void {
    this.#raw.clear()
    this.#calls = newStructures()
    this.#size = 0
  }

  /** The shape of a raw query: its SQL without values. */
  rawShapeOf(operation: string, kind: OperationKind, analyzed: AnalyzedSql | undefined): PrismaShape {
    const fingerprint = analyzed?.fingerprint ?? operation
    const known = this.#raw.get(fingerprint)
    if (known !== undefined) return known
    const label = analyzed?.shape ?? operation
    const none = {
      model: undefined,
      modelName: '',
      rest: {},
      conditions: {},
      plan: nothing,
      rowSource: nothing,
    }
    const shape = {
      fingerprint,
      label,
      kind,
      operation,
      traces: new TraceSchedule(),
      gain: new Gain(),
      ...none,
    }
    this.#added()
    this.#raw.set(fingerprint, shape)
    return shape
  }

  shapeOf(
    modelName: string,
    model: PrismaModel | undefined,
    operation: string,
    kind: OperationKind,
    args: unknown,
  ): PrismaShape {
    let structure = this.#calls.named(modelName).named(operation).of(args)
    if (operation === 'groupBy') structure = structure.named(groupedBy(args))
    if (structure.known !== undefined) return structure.known
    const { where: written, ...rest } = (args ?? {}) as Record<string, unknown>
    const where = isPlainObject(written) && written.AND !== undefined ? flatWhere(written) : written
    // A shape lives long, so it must not retain the first written rows.
    for (const name of WRITTEN) delete rest[name]
    const keyColumns = keyColumnsOf(where)
    const fingerprint = createHash('sha256').update(structure.text).digest('hex').slice(0, 16)
    let source: { readonly value: RowSource | undefined } | undefined
    let fix: { readonly listing: Shape | undefined; readonly text: string | undefined } | undefined
    const shape: PrismaShape = {
      fingerprint,
      label: `${modelName}.${operation}${keyColumns.length === 0 ? '' : ` where ${keyColumns.join(', ')}`}`,
      kind,
      table: model?.table,
      keyColumns,
      mergedByOrm: operation.startsWith('findUnique'),
      model,
      modelName,
      operation,
      traces: new TraceSchedule(),
      gain: new Gain(),
      rest,
      conditions: kind === 'read' ? constantConditions(where) : {},
      plan: kind === 'read' ? this.#planner(operation, fingerprint, modelName, model, args) : nothing,
      omitted: this.#omittedOf(modelName),
      isWhole: structure.isWhole,
      leavesOut: operation.startsWith('find') && (leavesOut(rest) || Object.keys(this.omitted).length > 0),
      rowSource: () => {
        source ??= { value: rowSourceOf(shape) }
        return source.value
      },
      follows: (listing) => follows(shape, listing),
      // Each request with the loop has the same parent query.
      fix: (listing) => {
        if (fix === undefined || fix.listing !== listing) fix = { listing, text: fixFor(shape, listing) }
        return fix.text
      },
    }
    this.#added()
    structure.known = shape
    return shape
  }

  /** In a separate function: a closure retains all variables that any closure of the same function uses. */
  #planner(
    operation: string,
    fingerprint: string,
    modelName: string,
    model: PrismaModel | undefined,
    args: unknown,
  ): () => LookupPlan {
    const { dialect, isExact } = this
    const omitted = this.#omittedOf(modelName)
    let plan: { readonly value: LookupPlan } | undefined
    return () => {
      plan ??= { value: planLookup({ operation, fingerprint, dialect, isExact, omitted }, model, args) }
      return plan.value
    }
  }

  /** Makes room for another shape. */
  #added(): void {
    if (this.#size >= MAX_SHAPES) this.clear()
    this.#size += 1
  }

  #omittedOf(modelName: string): OmittedFields | undefined {
    return this.omitted[clientName(modelName)]
  }
}

const newStructures = (): ArgumentStructure<PrismaShape> => new ArgumentStructure('')

const nothing = (): undefined => undefined

/** The fields that a `where` filters by; the fields of a compound key are listed individually. */
function keyColumnsOf(where: unknown): readonly string[] {
  if (typeof where !== 'object' || where === null) return []
  const names = Object.keys(where)
  const [only] = names
  const value =
    names.length === 1 && only !== undefined ? (where as Record<string, unknown>)[only] : undefined
  const isCompound = typeof value === 'object' && value !== null && only?.includes('_') === true
  return isCompound ? Object.keys(value) : names
}

/** The field names that `groupBy` groups by: the structure of a list does not contain them. */
function groupedBy(args: unknown): string {
  const by: unknown = isPlainObject(args) ? args.by : undefined
  const names: unknown[] = Array.isArray(by) ? by : [by]
  return names.every((name) => typeof name === 'string') ? names.join() : ''
}

/** The name of a model's property on a Prisma client. */
export function clientName(modelName: string): string {
  return `${modelName.slice(0, 1).toLowerCase()}${modelName.slice(1)}`
}
