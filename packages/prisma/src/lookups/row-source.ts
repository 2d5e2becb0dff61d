import type { RowSource } from '@sluice/core'
import { isPlainObject } from '../plain-object.ts'
import type { PrismaShape } from '../prisma-shape.ts'
import { hasField } from './selection.ts'

const ROWS = new Set(['findUnique', 'findUniqueOrThrow', 'findFirst', 'findFirstOrThrow', 'findMany'])

/** What the rows of a shape's operations hold; `undefined` for operations that give no rows of their model. */
export function rowSourceOf({ model, operation, rest, fingerprint, omitted }: PrismaShape): RowSource | undefined {
  if (model === undefined || !ROWS.has(operation)) return undefined
  const properties = new Map<string, string>()
  for (const { name, kind, column } of model.fields.values()) {
    if (kind !== 'object' && kind !== 'unsupported' && hasField(rest, name, omitted)) properties.set(column, name)
  }
  const isWhole = !isPlainObject(rest.select) && !isPlainObject(rest.omit) && omitted === undefined
  return { table: model.table, shape: fingerprint, isWhole, property: (column) => properties.get(column) }
}
