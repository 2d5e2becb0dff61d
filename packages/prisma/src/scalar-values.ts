import type { ColumnType } from '@sluice/core/adapter'
import type { PrismaFieldData } from './schema/prisma-schema-data.ts'

type Scalar = Pick<PrismaFieldData, 'type' | 'kind' | 'list' | 'required'>

/** Values of Prisma's scalar types in results. */
const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  String: (value) => typeof value === 'string',
  Int: (value) => Number.isSafeInteger(value),
  BigInt: (value) => typeof value === 'bigint',
  Float: (value) => typeof value === 'number',
  Boolean: (value) => typeof value === 'boolean',
  DateTime: (value) => value instanceof Date,
  Bytes: (value) => value instanceof Uint8Array,
  Decimal: (value) =>
    typeof value === 'object' && value !== null && 'toFixed' in value && typeof value.toFixed === 'function',
}

/** Whether a value can be that of a field. */
export function isScalarOf(field: Scalar, column: ColumnType | undefined, value: unknown): boolean {
  const { type, kind, list, required } = field
  // The value can be JSON's null.
  if (type === 'Json' && kind === 'scalar') return value !== undefined
  if (value === null) return !required
  const isOne = kind === 'enum' ? isText : (CHECKS[type] ?? isText)
  // A schema that was read from a client does not show which fields are lists.
  const mayBeList = list || column === undefined || column === 'other'
  if (Array.isArray(value)) return mayBeList && value.every((item) => item === null || isOne(item))
  return !list && isOne(value)
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}
