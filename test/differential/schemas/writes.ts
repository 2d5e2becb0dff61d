import fc from 'fast-check'
import type { PrismaModel } from '../../../packages/prisma/src/schema/prisma-model.ts'
import { Random } from '../../support/random.ts'
import type { Row } from '../../support/random-operations.ts'
import type { Call, GeneratedOrm, KnexCall, PrismaCall, Walk } from '../program.ts'
import type { Ground } from '../vocabulary.ts'
import { columnOf, knexTable } from './knex-calls.ts'
import { uniqueWhere } from './random-rows.ts'
import { fieldOf, foreignKeysOf, rowsOf } from './subjects.ts'
import { isInKey, keyValue, plainValue } from './values.ts'

type Fields = Record<string, unknown>

/**
 * Writes near the keys that programs read by: rows are inserted, updated and deleted, move to another parent,
 * or take another key.
 */
export function prismaSchemaWrite(
  ground: Ground,
  models: readonly PrismaModel[] = modelsOf(ground),
): fc.Arbitrary<PrismaCall> {
  return fc
    .tuple(fc.constantFrom(...models), fc.nat(2 ** 31 - 1))
    .map(([model, chance]) => prismaWriteOf(model, ground, new Random(chance)))
}

/** The same through Knex. */
export function knexSchemaWrite(
  ground: Ground,
  models: readonly PrismaModel[] = modelsOf(ground),
): fc.Arbitrary<KnexCall> {
  return fc
    .tuple(fc.constantFrom(...models), fc.nat(2 ** 31 - 1))
    .map(([model, chance]) => knexWriteOf(model, ground, new Random(chance)))
}

function modelsOf({ schema }: Ground): readonly PrismaModel[] {
  return [...schema.models.values()]
}

/** Writes to the rows that a walk looks up. */
export function writeNear({ hops }: Walk, ground: Ground, orm: GeneratedOrm): fc.Arbitrary<Call> {
  const models = modelsOf(ground).filter((model) => hops.some(({ call }) => isOf(call, model, ground)))
  const some = models.length === 0 ? undefined : models
  return orm === 'knex' ? knexSchemaWrite(ground, some) : prismaSchemaWrite(ground, some)
}

function isOf(call: Call, model: PrismaModel, ground: Ground): boolean {
  if (call.orm === 'prisma') return call.model === model.name
  return call.table?.replace(/ as t$/, '') === knexTable(model, ground).name
}

function prismaWriteOf(model: PrismaModel, ground: Ground, random: Random): PrismaCall {
  const call = (action: string, args: unknown): PrismaCall => ({
    orm: 'prisma',
    model: model.name,
    action,
    args,
    order: 'none',
  })
  const row = someRow(model, ground, random)
  const where = uniqueWhere(model, row)
  switch (
    random.pick([
      'value',
      'value',
      'parent',
      'parent',
      'key',
      'many',
      'delete',
      'deleteMany',
      'create',
      'upsert',
      'raw',
      'raw read',
    ])
  ) {
    case 'value':
      return call('update', { where, data: changes(model, random) })
    case 'parent':
      return call('update', {
        where,
        data: { ...changes(model, random), ...newParent(model, ground, random) },
      })
    case 'key':
      return call('update', { where, data: newKey(model, ground, random) })
    case 'many':
      return call('updateMany', {
        where: sameParent(model, row),
        data: { ...changes(model, random), ...newParent(model, ground, random) },
      })
    case 'delete':
      return call('delete', { where })
    case 'deleteMany':
      return call('deleteMany', { where: sameParent(model, row) })
    case 'create':
      return call('create', { data: newRow(model, ground, random) })
    case 'upsert':
      return call('upsert', { where, create: newRow(model, ground, random), update: changes(model, random) })
    case 'raw':
      return {
        orm: 'prisma',
        action: '$executeRawUnsafe',
        args: [rawWrite(model, ground, random)],
        order: 'none',
      }
    default:
      return {
        orm: 'prisma',
        action: '$queryRawUnsafe',
        args: [`SELECT count(*) AS n FROM ${quoted(knexTable(model, ground).name, ground)}`],
        order: 'none',
      }
  }
}

function knexWriteOf(model: PrismaModel, ground: Ground, random: Random): KnexCall {
  const { name } = knexTable(model, ground)
  const call = (chain: KnexCall['chain'], isVague = false): KnexCall => ({
    orm: 'knex',
    table: name,
    chain,
    order: 'none',
    isVague,
  })
  const row = someRow(model, ground, random)
  const where = inColumns(model, Object.fromEntries(model.primaryKey.map((field) => [field, row[field]])))
  const parent = inColumns(model, sameParent(model, row))
  switch (
    random.pick(['value', 'value', 'parent', 'parent', 'many', 'delete', 'deleteMany', 'insert', 'raw'])
  ) {
    case 'value':
      return call([
        ['where', where],
        ['update', inColumns(model, changes(model, random))],
      ])
    case 'parent':
      return call([
        ['where', where],
        ['update', inColumns(model, { ...changes(model, random), ...newParent(model, ground, random) })],
      ])
    case 'many':
      return call([
        ['where', parent],
        ['update', inColumns(model, { ...changes(model, random), ...newParent(model, ground, random) })],
      ])
    case 'delete':
      return call([['where', where], ['del']])
    case 'deleteMany':
      return call([['where', parent], ['del']])
    case 'insert':
      return call([['insert', inColumns(model, newRow(model, ground, random))]], true)
    default:
      return { orm: 'knex', chain: [['raw', rawWrite(model, ground, random)]], order: 'none', isVague: true }
  }
}

/** One of the initial rows, or a row that does not exist. */
function someRow(model: PrismaModel, ground: Ground, random: Random): Row {
  const rows = rowsOf(ground, model)
  if (rows.length > 0 && random.chance(0.9)) return random.pick(rows)
  return Object.fromEntries(
    [...model.columns.keys()].map((field) => [field, keyValue(fieldOf(model, field), 60, ground.dialect)]),
  )
}

/** A value that a row shares with its siblings: its first foreign key, or otherwise a plain value. */
function sameParent(model: PrismaModel, row: Row): Fields {
  const [key] = foreignKeysOf(model)
  const fields = key?.fromFields ?? ['plain'].filter((field) => model.fields.has(field))
  return Object.fromEntries(
    (fields.length === 0 ? model.primaryKey : fields).map((field) => [field, row[field] ?? null]),
  )
}

function changes(model: PrismaModel, random: Random): Fields {
  const foreign = new Set(foreignKeysOf(model).flatMap(({ fromFields }) => fromFields))
  const fields = [...model.columns.keys()].filter((field) => !isInKey(model, field) && !foreign.has(field))
  const data: Fields = {}
  for (const name of fields) {
    const field = fieldOf(model, name)
    if (random.chance(0.4) || name === fields[0])
      data[name] = !field.required && random.chance(0.3) ? null : writable(plainValue(field, random))
  }
  return data
}

/** Bytes in the form that both ORMs return. */
function writable(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value) : value
}

function newParent(model: PrismaModel, ground: Ground, random: Random): Fields {
  const keys = foreignKeysOf(model)
  if (keys.length === 0) return {}
  const { target, fromFields, toFields, required } = random.pick(keys)
  const parents = rowsOf(ground, target)
  const parent = parents.length === 0 || (!required && random.chance(0.2)) ? undefined : random.pick(parents)
  return Object.fromEntries(fromFields.map((field, at) => [field, parent?.[toFields[at] ?? ''] ?? null]))
}

/** Another value for a part of a key: free, used, or the row's own. */
function newKey(model: PrismaModel, ground: Ground, random: Random): Fields {
  const foreign = new Set(foreignKeysOf(model).flatMap(({ fromFields }) => fromFields))
  const fields = [...new Set([...model.uniqueSelectors.values()].flat())].filter(
    (field) => !foreign.has(field),
  )
  const [first = model.primaryKey[0] ?? ''] = fields
  const name = fields.length === 0 ? first : random.pick(fields)
  return { [name]: keyValue(fieldOf(model, name), random.pick([1, 2, 3, 40, 41]), ground.dialect) }
}

function newRow(model: PrismaModel, ground: Ground, random: Random): Fields {
  const row: Fields = {}
  for (const name of model.columns.keys()) {
    const field = fieldOf(model, name)
    if (isInKey(model, name)) row[name] = keyValue(field, random.pick([2, 50, 51, 52, 53]), ground.dialect)
    else row[name] = !field.required && random.chance(0.3) ? null : writable(plainValue(field, random))
  }
  for (const { target, fromFields, toFields, required } of foreignKeysOf(model)) {
    const parents = rowsOf(ground, target)
    const parent =
      parents.length === 0 || (!required && random.chance(0.3)) ? undefined : random.pick(parents)
    for (const [at, field] of fromFields.entries()) row[field] = parent?.[toFields[at] ?? ''] ?? null
  }
  return row
}

function inColumns(model: PrismaModel, fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([field, value]) => [columnOf(model, field), value]))
}

function rawWrite(model: PrismaModel, ground: Ground, random: Random): string {
  const { name, plain, key } = knexTable(model, ground)
  const [first = ''] = key
  const field = [...model.columns].find(([, column]) => column === first)?.[0] ?? ''
  const value = someRow(model, ground, random)[field]
  const literal = typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value)
  const where = `WHERE ${quoted(first, ground)} = ${literal}`
  const target = quoted(name, ground)
  return random.pick([
    `UPDATE ${target} SET ${quoted(plain, ground)} = NULL ${where}`,
    `UPDATE ${target} SET ${quoted(plain, ground)} = ${quoted(plain, ground)} ${where}`,
    `DELETE FROM ${target} ${where}`,
    'UPDATE nowhere SET x = 1',
  ])
}

function quoted(name: string, { dialect }: Ground): string {
  return dialect === 'mysql' ? `\`${name}\`` : `"${name}"`
}
