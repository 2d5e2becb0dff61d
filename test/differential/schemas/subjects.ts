import fc from 'fast-check'
import type { PrismaModel, PrismaRelation } from '../../../packages/prisma/src/schema/prisma-model.ts'
import type { PrismaFieldData } from '../../../packages/prisma/src/schema/prisma-schema-data.ts'
import type { Row } from '../../support/random-operations.ts'
import { type Keys, someOf } from '../keys.ts'
import type { Ground } from '../vocabulary.ts'
import { keyValue, oddValues } from './values.ts'

/** The fields by which a model is queried. */
export interface Subject {
  readonly model: PrismaModel
  /** One field, or those of a composite key. */
  readonly fields: readonly string[]
  /** The name of the key in a `WhereUniqueInput`. Without one, several rows may share the key. */
  readonly selector?: string
  /** Values of rows, and others. */
  readonly keys: Keys
}

const ASKED_TYPES = new Set(['Int', 'BigInt', 'String', 'Boolean', 'DateTime'])

/** Everything that a model's rows are looked up by: its keys, its foreign keys, and plain fields. */
export function subjectsOf(model: PrismaModel, ground: Ground): readonly Subject[] {
  const keys = [...model.uniqueSelectors].map(([selector, fields]) => ({
    model,
    fields,
    selector,
    keys: keysOf(model, fields, ground),
  }))
  const foreign = foreignKeysOf(model).map(({ fromFields }) => fromFields)
  const plain = [...model.fields.values()]
    .filter(({ kind, type }) => kind === 'enum' || ASKED_TYPES.has(type))
    .map(({ name }) => [name])
  const asked = new Set(keys.map(({ fields }) => fields.join()))
  const others: Subject[] = []
  for (const fields of [...foreign, ...foreign, ...plain]) {
    if (asked.has(fields.join()) && fields.length === 1) continue
    others.push({ model, fields, keys: keysOf(model, fields, ground) })
  }
  return [...keys, ...others]
}

/** The relations whose foreign key is in the model's own table. */
export function foreignKeysOf(model: PrismaModel): readonly PrismaRelation[] {
  return [...model.relations.values()].filter(({ foreignKeyHere }) => foreignKeyHere)
}

export function rowsOf({ rows }: Ground, model: PrismaModel): readonly Row[] {
  return rows.get(model.name) ?? []
}

export function fieldOf(model: PrismaModel, name: string): PrismaFieldData {
  const field = model.fields.get(name)
  if (field === undefined) throw new Error(`Expected ${model.name} to have a field ${name}.`)
  return field
}

function keysOf(model: PrismaModel, fields: readonly string[], ground: Ground): Keys {
  const [single] = fields
  if (single === undefined) throw new Error(`Expected ${model.name} to be queried by a field.`)
  if (fields.length === 1) {
    const values = valuesOf(model, single, ground)
    return someOf(values, oddValues(fieldOf(model, single), values))
  }
  const tuples = rowsOf(ground, model).map((row) => fields.map((name) => row[name]))
  const values = fields.map((name) => valuesOf(model, name, ground))
  const mixed = fc.tuple(...values.map((some) => fc.constantFrom(...some)))
  const odd = fc.tuple(
    ...fields.map((name, at) => fc.constantFrom(...oddValues(fieldOf(model, name), values[at] ?? []))),
  )
  const one = fc.oneof(
    { weight: 6, arbitrary: tuples.length === 0 ? mixed : fc.constantFrom(...tuples) },
    { weight: 2, arbitrary: mixed },
    { weight: 1, arbitrary: odd },
  )
  return fc.array(one, { minLength: 1, maxLength: 7 })
}

/** The field's values in the rows, and for a foreign key those that it may refer to; never an empty list. */
function valuesOf(model: PrismaModel, name: string, ground: Ground): readonly unknown[] {
  const found = new Map<string, unknown>()
  const add = (value: unknown) => {
    if (value !== null && value !== undefined)
      found.set(String(value instanceof Date ? value.getTime() : value), value)
  }
  for (const row of rowsOf(ground, model)) add(row[name])
  for (const { fromFields, toFields, target } of foreignKeysOf(model)) {
    const at = fromFields.indexOf(name)
    if (at >= 0) for (const row of rowsOf(ground, target)) add(row[toFields[at] ?? ''])
  }
  add(keyValue(fieldOf(model, name), 2, ground.dialect))
  return [...found.values()]
}
