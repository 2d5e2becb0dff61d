import type { Gain, ReadPlan, RowSource, Shape } from '@sluice/core/adapter'
import { isPlainObject } from './argument-shapes.ts'
import type { LookupPlan } from './lookups/keyed-plan.ts'
import { hasField, type OmittedFields } from './lookups/selection.ts'
import type { PrismaModel } from './schema/prisma-model.ts'

/** Source of a shape: enough to write its fix, and to batch its operations. */
export interface PrismaShape extends Shape {
  readonly model: PrismaModel | undefined
  readonly modelName: string
  readonly operation: string
  readonly traces: TraceSchedule
  readonly gain: Gain
  /** The arguments of the first operation of this shape, without its `where` and without written values. */
  readonly rest: Readonly<Record<string, unknown>>
  /** The conditions of its `where` that are not part of its key. */
  readonly conditions: Readonly<Record<string, unknown>>
  /** How its operations can be batched; computed on first use. */
  readonly plan: () => LookupPlan
  /** Contents of its rows; computed on first use. */
  readonly rowSource: () => RowSource | undefined
  /** Fields that the client omits from the model's rows. */
  readonly omitted?: OmittedFields | undefined
  /** Whether fields are omitted from some of its rows, including rows of relations. */
  readonly leavesOut?: boolean
  /** Whether all operations of this shape read the same tables. */
  readonly isWhole?: boolean
  /** The tables that they read, in the version of the catalogs in which the latest of them ran. */
  reads?: ReadPlan
}

/** The first operations of a shape are all traced; then 1 of 16. */
const FIRST = 4
const GAP = 16

/**
 * Selects the operations of a shape for whose statements the call site is recorded, because passing it along
 * costs time.
 */
export class TraceSchedule {
  #operations = 0
  #dueAt = 1

  /** Counts one operation. */
  isDue(): boolean {
    this.#operations += 1
    if (this.#operations < this.#dueAt) return false
    // At random: operations that alternate between call sites would otherwise be seen at only one of them.
    this.#dueAt =
      this.#operations + (this.#operations < FIRST ? 1 : 1 + Math.floor(Math.random() * (2 * GAP - 1)))
    return true
  }
}

const ROWS = new Set(['findUnique', 'findUniqueOrThrow', 'findFirst', 'findFirstOrThrow', 'findMany'])

/** Levels of relations whose rows are known. */
const MAX_DEPTH = 3

type Args = Readonly<Record<string, unknown>>

/**
 * Contents of the rows of a shape's operations; `undefined` for operations that do not return rows of their
 * model.
 */
export function rowSourceOf({
  model,
  operation,
  rest,
  fingerprint,
  omitted,
}: PrismaShape): RowSource | undefined {
  return model === undefined || !ROWS.has(operation)
    ? undefined
    : sourceOf(model, rest, fingerprint, omitted, 0)
}

function sourceOf(
  model: PrismaModel,
  rest: Args,
  shape: string,
  omitted: OmittedFields | undefined,
  depth: number,
): RowSource {
  const properties = new Map<string, string>()
  for (const { name, kind, column } of model.fields.values()) {
    if (kind !== 'object' && kind !== 'unsupported' && hasField(rest, name, omitted))
      properties.set(column, name)
  }
  const isWhole = !isPlainObject(rest.select) && !isPlainObject(rest.omit) && omitted === undefined
  const nested = depth < MAX_DEPTH ? nestedIn(model, rest, shape, depth) : []
  const source: RowSource = {
    table: model.table,
    shape,
    isWhole,
    property: (column) => properties.get(column),
  }
  return nested.length === 0 ? source : { ...source, nested }
}

/**
 * The eager-loaded relations. A client can omit fields from their rows too: such rows are found to have no
 * value.
 */
function nestedIn(
  model: PrismaModel,
  { select, include }: Args,
  shape: string,
  depth: number,
): NonNullable<RowSource['nested']> {
  const selection = isPlainObject(select) ? select : isPlainObject(include) ? include : {}
  return Object.entries(selection).flatMap(([property, args]) => {
    const relation = model.relations.get(property)
    if (relation === undefined || relation.ambiguous || (args !== true && !isPlainObject(args))) return []
    const inner = isPlainObject(args) ? args : {}
    return [
      { property, source: sourceOf(relation.target, inner, `${shape}.${property}`, undefined, depth + 1) },
    ]
  })
}
