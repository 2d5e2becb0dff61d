import type {
  PrismaFieldData,
  PrismaModelData,
  PrismaSchemaData,
} from '../../src/schema/prisma-schema-data.ts'

export type FieldData = Omit<PrismaFieldData, 'name'>

/** A required scalar field with a column of the same name by default. */
export function scalar(type: string, more: Partial<FieldData> = {}): Partial<FieldData> {
  return { kind: 'scalar', type, ...more }
}

/** The side of a relation that contains the key. */
export function belongsTo(
  type: string,
  name: string,
  [fromFields, toFields]: readonly [readonly string[], readonly string[]],
  more: Partial<FieldData['relation'] & object> & { readonly optional?: boolean } = {},
): Partial<FieldData> {
  const { optional = false, ...actions } = more
  return { kind: 'object', type, required: !optional, relation: { name, fromFields, toFields, ...actions } }
}

export function hasMany(type: string, name: string): Partial<FieldData> {
  return { kind: 'object', type, list: true, relation: { name, fromFields: [], toFields: [] } }
}

export function hasOne(type: string, name: string): Partial<FieldData> {
  return { kind: 'object', type, required: false, relation: { name, fromFields: [], toFields: [] } }
}

export function model(
  name: string,
  fields: Readonly<Record<string, Partial<FieldData>>>,
  more: Partial<Omit<PrismaModelData, 'name' | 'fields'>> = {},
): PrismaModelData {
  const list = Object.entries(fields).map(
    ([field, data]): PrismaFieldData => ({
      column: field,
      type: 'Int',
      kind: 'scalar',
      list: false,
      required: true,
      ...data,
      name: field,
    }),
  )
  return {
    name,
    table: name,
    primaryKey: { fields: list.filter(({ id }) => id === true).map((field) => field.name) },
    uniqueKeys: list.filter(({ unique }) => unique === true).map((field) => ({ fields: [field.name] })),
    ...more,
    fields: list,
  }
}

export function schemaData(
  models: readonly PrismaModelData[],
  more: Partial<PrismaSchemaData> = {},
): PrismaSchemaData {
  return { version: 1, provider: 'postgresql', relationMode: 'foreignKeys', ...more, models }
}
