import type { PrismaModel, PrismaRelation } from '../../../packages/prisma/src/schema/prisma-model.ts'
import type { PrismaSchema } from '../../../packages/prisma/src/schema/prisma-schema.ts'
import type { TestPrismaClient } from '../../support/prisma-clients.ts'
import type { Random } from '../../support/random.ts'
import type { Row } from '../../support/random-operations.ts'
import { isInKey, keyValue, plainValue } from './values.ts'

type Fields = Record<string, unknown>
type Delegate = Readonly<Record<'createMany' | 'update', (args: unknown) => Promise<unknown>>>

const SIZES = [2, 4, 9, 14, 22] as const
const ATTEMPTS = 3

/**
 * Fills the tables of a random schema: overlapping keys, gaps, nulls, repeated foreign keys, parents without
 * children.
 */
export async function fillTables(
  prisma: TestPrismaClient,
  schema: PrismaSchema,
  random: Random,
): Promise<void> {
  const rows = new Map<string, Fields[]>()
  for (const model of schema.models.values()) {
    const made = new RowMaker(model, schema, random, rows).make()
    rows.set(model.name, made)
    if (made.length > 0) await delegate(prisma, model).createMany({ data: made })
  }
  for (const model of schema.models.values()) await joinRows(prisma, model, rows, random)
}

class RowMaker {
  readonly #made: Fields[] = []
  readonly #keys = new Set<string>()

  constructor(
    private readonly model: PrismaModel,
    private readonly schema: PrismaSchema,
    private readonly random: Random,
    private readonly rows: ReadonlyMap<string, readonly Fields[]>,
  ) {}

  make(): Fields[] {
    const wanted = this.random.pick(SIZES)
    for (let at = 1; at <= wanted; at++) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) if (this.#add(at + (at > 3 ? 1 : 0))) break
    }
    return this.#made
  }

  #add(at: number): boolean {
    const row: Fields = {}
    const { model, random, schema } = this
    for (const field of model.fields.values()) {
      if (field.kind === 'object') continue
      const isKey = isInKey(model, field.name)
      if (!field.required && random.chance(0.3)) row[field.name] = null
      // Part of a compound key occurs in other rows too.
      else if (isKey)
        row[field.name] = keyValue(field, field.id || field.unique ? at : 1 + random.below(6), schema.dialect)
      else row[field.name] = plainValue(field, random)
    }
    for (const relation of model.relations.values())
      if (relation.foreignKeyHere && !this.#refer(row, relation)) return false
    const keys = keysOf(model, row)
    if (keys.some((key) => this.#keys.has(key))) return false
    for (const key of keys) this.#keys.add(key)
    this.#made.push(row)
    return true
  }

  /** Sets a foreign key. Returns whether that is possible. */
  #refer(row: Fields, { target, fromFields, toFields, required }: PrismaRelation): boolean {
    const { random } = this
    const parents = (target === this.model ? this.#made : (this.rows.get(target.name) ?? [])).filter(
      (parent) => toFields.every((field) => parent[field] !== null),
    )
    // Some of the rows share a few parents.
    const parent =
      parents.length === 0 || (!required && random.chance(0.25))
        ? undefined
        : parents[random.below(random.chance(0.5) ? Math.min(3, parents.length) : parents.length)]
    for (const [at, field] of fromFields.entries()) row[field] = parent?.[toFields[at] ?? ''] ?? null
    return parent !== undefined || !required
  }
}

/**
 * Sets values that were unavailable when the rows were created: keys of models that were filled later, and
 * many-to-many.
 */
async function joinRows(
  prisma: TestPrismaClient,
  model: PrismaModel,
  rows: ReadonlyMap<string, Fields[]>,
  random: Random,
): Promise<void> {
  const names = [...rows.keys()]
  for (const relation of model.relations.values()) {
    const { field, target, joinTable, oneToOne, foreignKeyHere } = relation
    const others = rows.get(target.name) ?? []
    const isLater = foreignKeyHere && !oneToOne && names.indexOf(target.name) > names.indexOf(model.name)
    const isJoined = joinTable !== undefined && !field.includes('Back')
    if (others.length === 0 || !(isLater || isJoined)) continue
    for (const row of rows.get(model.name) ?? []) {
      const chosen = others.filter(() => random.chance(0.25)).slice(0, isLater ? 1 : 5)
      if (chosen.length === 0) continue
      const wheres = chosen.map((other) => uniqueWhere(target, other))
      const data = { [field]: { connect: isLater ? wheres[0] : wheres } }
      await delegate(prisma, model).update({ where: uniqueWhere(model, row), data })
    }
  }
}

/** The keys of a row as strings. Nulls are not duplicates. */
function keysOf(model: PrismaModel, row: Row): string[] {
  return [...model.uniqueSelectors].flatMap(([selector, fields]) => {
    const values = fields.map((field) => row[field])
    return values.includes(null) ? [] : [`${selector} ${values.map(String).join('\n')}`]
  })
}

/** Identifies a row by its primary key in Prisma's form. */
export function uniqueWhere(model: PrismaModel, row: Row): Fields {
  const values = Object.fromEntries(model.primaryKey.map((field) => [field, row[field]]))
  if (model.primaryKey.length === 1) return values
  const [selector = ''] = [...model.uniqueSelectors].find(([, fields]) => fields === model.primaryKey) ?? []
  return { [selector]: values }
}

function delegate(prisma: object, { name }: Pick<PrismaModel, 'name'>): Delegate {
  return (prisma as Readonly<Record<string, Delegate>>)[
    `${name.slice(0, 1).toLowerCase()}${name.slice(1)}`
  ] as Delegate
}
