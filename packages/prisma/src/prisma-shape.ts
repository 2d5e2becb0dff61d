import type { RowSource, Shape } from '@sluice/core/adapter'
import { isPlainObject } from './argument-shapes.ts'
import type { LookupPlan } from './lookups/keyed-plan.ts'
import { hasField, type OmittedFields } from './lookups/selection.ts'
import type { PrismaModel } from './schema/prisma-model.ts'

/** What a shape was made from: enough to write its fix, and to merge its operations. */
export interface PrismaShape extends Shape {
  readonly model: PrismaModel | undefined
  readonly modelName: string
  readonly operation: string
  readonly traces: TraceSchedule
  /** The arguments of the first operation of this shape, without its `where` and without what it writes. */
  readonly rest: Readonly<Record<string, unknown>>
  /** How its operations may be merged; worked out when it is first asked for. */
  readonly plan: () => LookupPlan
  /** What its rows hold; worked out when it is first asked for. */
  readonly rowSource: () => RowSource | undefined
  /** What the client leaves out of the model's rows. */
  readonly omitted?: OmittedFields | undefined
  /** Whether fields are left out of some of its rows, those of relations included. */
  readonly leavesOut?: boolean
}

/** The first of a shape's operations are all traced; then one of 16. */
const FIRST = 4
const GAP = 16

/** Chooses the operations of a shape that their statements are told of: to carry it along costs time. */
export class TraceSchedule {
  #operations = 0
  #dueAt = 1

  /** Counts one operation. */
  isDue(): boolean {
    this.#operations += 1
    if (this.#operations < this.#dueAt) return false
    // By chance: what takes turns would be seen at one place only.
    this.#dueAt = this.#operations + (this.#operations < FIRST ? 1 : 1 + Math.floor(Math.random() * (2 * GAP - 1)))
    return true
  }
}

const ROWS = new Set(['findUnique', 'findUniqueOrThrow', 'findFirst', 'findFirstOrThrow', 'findMany'])

/** Levels of relations whose rows are known. */
const MAX_DEPTH = 3

type Args = Readonly<Record<string, unknown>>

/** What the rows of a shape's operations hold; `undefined` for operations that give no rows of their model. */
export function rowSourceOf({ model, operation, rest, fingerprint, omitted }: PrismaShape): RowSource | undefined {
  return model === undefined || !ROWS.has(operation) ? undefined : sourceOf(model, rest, fingerprint, omitted, 0)
}

function sourceOf(model: PrismaModel, rest: Args, shape: string, omitted: OmittedFields | undefined, depth: number): RowSource {
  const properties = new Map<string, string>()
  for (const { name, kind, column } of model.fields.values()) {
    if (kind !== 'object' && kind !== 'unsupported' && hasField(rest, name, omitted)) properties.set(column, name)
  }
  const isWhole = !isPlainObject(rest.select) && !isPlainObject(rest.omit) && omitted === undefined
  const nested = depth < MAX_DEPTH ? nestedIn(model, rest, shape, depth) : []
  const source: RowSource = { table: model.table, shape, isWhole, property: (column) => properties.get(column) }
  return nested.length === 0 ? source : { ...source, nested }
}

/** The relations that come along. Of their rows a client may leave out fields, too: those are found to hold nothing. */
function nestedIn(model: PrismaModel, { select, include }: Args, shape: string, depth: number): NonNullable<RowSource['nested']> {
  const asked = isPlainObject(select) ? select : isPlainObject(include) ? include : {}
  return Object.entries(asked).flatMap(([property, args]) => {
    const relation = model.relations.get(property)
    if (relation === undefined || relation.ambiguous || (args !== true && !isPlainObject(args))) return []
    const inner = isPlainObject(args) ? args : {}
    return [{ property, source: sourceOf(relation.target, inner, `${shape}.${property}`, undefined, depth + 1) }]
  })
}
