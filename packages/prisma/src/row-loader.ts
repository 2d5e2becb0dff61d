import type { ColumnType, Dialect, RowLoader } from '@sluice/core'
import type { RuntimeDataModel } from './internals.ts'

const TYPES: Readonly<Record<string, ColumnType>> = {
  Int: 'integer',
  BigInt: 'integer',
  Decimal: 'decimal',
  Float: 'float',
  String: 'text',
  Boolean: 'boolean',
  DateTime: 'datetime',
  Bytes: 'bytes',
  Json: 'json',
}

interface Delegate {
  findMany(args: object): Promise<readonly Record<string, unknown>[]>
}

interface Field {
  readonly name: string
  readonly kind: string
  readonly type: string
  readonly isList?: boolean
  readonly dbName?: string | null
}

/** Loads rows through a Prisma client, as a `findMany` of the app's own would: by models and fields, or by the database's names for them. */
export function prismaRowLoader(client: object, runtime: RuntimeDataModel | undefined, dialect: Dialect): RowLoader {
  return {
    dialect,
    async target(table, field) {
      const model = modelOf(runtime, table)
      const found = fieldsOf(model?.data).find(({ name }) => name === field) ?? fieldsOf(model?.data).find(({ dbName }) => dbName === field)
      const delegate = model === undefined ? undefined : delegateOf(client, model.name)
      if (found === undefined || delegate === undefined || found.kind === 'object' || found.isList === true) return undefined
      return {
        type: TYPES[found.type] ?? 'other',
        keyOf: (row) => row[found.name],
        load: (keys) => delegate.findMany({ where: { [found.name]: { in: keys } } }),
      }
    },
  }
}

interface FoundModel {
  readonly name: string
  readonly data: unknown
}

/** A model by its name, or by its table's, with or without a schema. */
function modelOf(runtime: RuntimeDataModel | undefined, table: string): FoundModel | undefined {
  const models = Object.entries(runtime?.models ?? {}).map(([name, data]) => ({ name, data }))
  return models.find(({ name }) => name === table) ?? models.find(({ name, data }) => tableNames(name, data).includes(table))
}

function tableNames(name: string, data: unknown): readonly string[] {
  const { dbName, schema } = (data ?? {}) as { readonly dbName?: unknown; readonly schema?: unknown }
  const table = typeof dbName === 'string' ? dbName : name
  return typeof schema === 'string' ? [table, `${schema}.${table}`] : [table]
}

function fieldsOf(data: unknown): readonly Field[] {
  const fields = (data as { readonly fields?: unknown } | undefined)?.fields
  return Array.isArray(fields) ? (fields as Field[]) : []
}

/** Prisma calls the delegate of `UserRole` `userRole`. */
function delegateOf(client: object, model: string): Delegate | undefined {
  const delegate = (client as Readonly<Record<string, unknown>>)[`${model.charAt(0).toLowerCase()}${model.slice(1)}`]
  return typeof (delegate as Partial<Delegate> | undefined)?.findMany === 'function' ? (delegate as Delegate) : undefined
}
