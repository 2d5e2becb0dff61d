import type { RowSource } from '@sluice/core/adapter'
import { isPlainObject } from '../plain-object.ts'
import type { PrismaShape } from '../prisma-shape.ts'
import type { PrismaModel } from '../schema/prisma-model.ts'
import { hasField, type OmittedFields } from './selection.ts'

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
