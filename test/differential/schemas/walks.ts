import fc from 'fast-check'
import type { PrismaModel } from '../../../packages/prisma/src/schema/prisma-model.ts'
import { type Call, type GeneratedOrm, type Hop, hole, type Walk } from '../program.ts'
import type { Ground, Vocabulary } from '../vocabulary.ts'
import { columnOf, knexCall, knexListing, knexTable } from './knex-calls.ts'
import { prismaCall, prismaListing } from './prisma-calls.ts'
import { fieldOf, type Subject, subjectsOf } from './subjects.ts'
import { writeNear } from './writes.ts'

const MAX_DEPTH = 2

type Orm = GeneratedOrm

/** A step from a row of one model to a lookup of another. */
interface Link {
  readonly target: PrismaModel
  /** The row's fields that contain the key. */
  readonly fields: readonly string[]
  readonly call: fc.Arbitrary<Call>
  readonly weight: number
}

/**
 * Loops over the rows of a listing that look up related rows of each, along the schema's foreign keys in both
 * directions, several levels deep, and sometimes along an unrelated column with the same numbers.
 *
 * @param orms - The ORMs of the calls: one, or both alternately.
 */
function schemaWalk(ground: Ground, orms: readonly Orm[]): fc.Arbitrary<Walk> {
  const maker = new HopMaker(ground, orms)
  const starts = [...ground.schema.models.values()].flatMap((model) => orms.map((orm) => ({ model, orm })))
  const walked = starts.filter(({ model }) => maker.hasHops(model))
  return fc.constantFrom(...walked).chain(({ model, orm }) =>
    fc.record({
      kind: fc.constant('walk' as const),
      listing: orm === 'knex' ? knexListing(model, ground) : prismaListing(model),
      hops: fc.array(maker.hop(model, orm, MAX_DEPTH), { minLength: 1, maxLength: 2 }),
      isParallel: fc.oneof(
        { weight: 3, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
      direction: fc.constantFrom(
        'as listed' as const,
        'as listed' as const,
        'as listed' as const,
        'backwards' as const,
        'shuffled' as const,
      ),
      skips: fc.constantFrom(0, 0, 0, 2, 3),
      stopsAfter: fc.constantFrom(100, 100, 100, 2, 5, 11),
      times: fc.constantFrom(1, 1, 1, 2),
      interruptions: fc.constant([]),
    }),
  )
}

/** All loops over a schema's rows. */
export function walkVocabulary(ground: Ground): Pick<Vocabulary, 'walk' | 'writeNear' | 'poll' | 'refetch'> {
  const walks = {
    prisma: schemaWalk(ground, ['prisma']),
    knex: schemaWalk(ground, ['knex']),
    both: schemaWalk(ground, ['prisma', 'knex']),
  }
  const refetched = refetchedModels(ground)
  return {
    walk: (orm) => walks[orm],
    writeNear: (orm, walk) => writeNear(walk, ground, orm),
    poll: (orm) => schemaPoll(ground, orm),
    ...(refetched.length === 0 ? {} : { refetch: (orm: Orm) => refetchWalk(refetched, ground, orm) }),
  }
}

/**
 * Loops one level deep that query every row of a listing once, along its keys. A query by another column may
 * request a key that other rows of the listing contain, too: Sluice treats the second time as a query for one
 * of theirs.
 */
function schemaPoll(ground: Ground, orm: Orm): fc.Arbitrary<Walk> {
  const maker = new HopMaker(ground, [orm], false)
  const walked = [...ground.schema.models.values()].filter((model) => maker.hasHops(model))
  return fc
    .constantFrom(...walked)
    .chain((model) =>
      fc
        .tuple(orm === 'knex' ? knexListing(model, ground) : prismaListing(model), maker.hop(model, orm, 0))
        .map(([listing, hop]) => wholeWalk(listing, [{ ...hop, times: 1 }])),
    )
}

/**
 * Models whose keys appear in no other column of their own rows: a repeated query for a row by its key can
 * only refer to that row.
 */
function refetchedModels({ schema }: Ground): readonly PrismaModel[] {
  return [...schema.models.values()].filter((model) =>
    [...model.relations.values()].every(({ target }) => target !== model),
  )
}

/** Loops over whole rows that query each by its own key. */
function refetchWalk(models: readonly PrismaModel[], ground: Ground, orm: Orm): fc.Arbitrary<Walk> {
  return fc.constantFrom(...models).chain((model) => {
    const { primaryKey } = model
    const subject = subjectsOf(model, ground).find(({ fields }) => fields.join() === primaryKey.join())
    if (subject === undefined) throw new Error(`Expected ${model.name} to be queried by its key.`)
    const ordered = primaryKey.map((field) => ({ [field]: 'asc' }))
    const listing: Call =
      orm === 'knex'
        ? {
            orm,
            table: knexTable(model, ground).name,
            chain: primaryKey.map((field) => ['orderBy', columnOf(model, field)]),
            order: 'total',
          }
        : { orm, model: model.name, action: 'findMany', args: { orderBy: ordered }, order: 'total' }
    const fields = orm === 'knex' ? primaryKey.map((field) => columnOf(model, field)) : primaryKey
    const call = orm === 'knex' ? knexCall(subject, ground) : prismaCall(subject)
    return call.map((own) => wholeWalk(listing, [{ call: own, fields, times: 1, asksNull: false, next: [] }]))
  })
}

function wholeWalk(listing: Call, hops: readonly Hop[]): Walk {
  const whole = {
    isParallel: false,
    direction: 'as listed',
    skips: 0,
    stopsAfter: Number.MAX_SAFE_INTEGER,
    times: 1,
  } as const
  return { kind: 'walk', listing, hops, ...whole, interruptions: [] }
}

class HopMaker {
  readonly #links = new Map<string, readonly Link[]>()
  readonly #hops = new Map<string, fc.Arbitrary<Hop>>()

  constructor(
    private readonly ground: Ground,
    private readonly orms: readonly Orm[],
    private readonly hasCoincidences = true,
  ) {}

  hasHops(model: PrismaModel): boolean {
    return this.orms.every((orm) => this.#linksOf(model, orm).length > 0)
  }

  /** @param rowsOf - The ORM that returned the rows, which names their fields. */
  hop(model: PrismaModel, rowsOf: Orm, depth: number): fc.Arbitrary<Hop> {
    const name = `${model.name} ${rowsOf} ${depth}`
    const known = this.#hops.get(name)
    if (known !== undefined) return known
    const hops = this.orms.flatMap((orm) =>
      this.#linksOf(model, orm).map(({ target, fields, call, weight }) => ({
        weight,
        arbitrary: fc.record({
          call,
          fields: fc.constant(rowsOf === 'knex' ? fields.map((field) => columnOf(model, field)) : fields),
          times: fc.constantFrom(1, 1, 1, 1, 2, 3),
          asksNull: fc.oneof(
            { weight: 3, arbitrary: fc.constant(false) },
            { weight: 1, arbitrary: fc.constant(true) },
          ),
          next:
            depth > 0 && this.hasHops(target)
              ? fc.array(this.hop(target, orm, depth - 1), { maxLength: depth })
              : fc.constant<readonly Hop[]>([]),
        }),
      })),
    )
    const made = fc.oneof(...hops)
    this.#hops.set(name, made)
    return made
  }

  #linksOf(model: PrismaModel, orm: Orm): readonly Link[] {
    const name = `${model.name} ${orm}`
    const known = this.#links.get(name)
    if (known !== undefined) return known
    const links = [
      ...this.#along(model, orm),
      ...(orm === 'knex' ? [] : this.#through(model)),
      ...this.#coincidences(model, orm),
    ]
    this.#links.set(name, links)
    return links
  }

  #along(model: PrismaModel, orm: Orm): Link[] {
    return [...model.relations.values()].flatMap(({ target, fromFields, toFields }) => {
      const subject = fromFields.length === 0 ? undefined : this.#subject(target, toFields)
      return subject === undefined
        ? []
        : [{ target, fields: fromFields, call: this.#call(subject, orm), weight: 6 }]
    })
  }

  /** Many-to-many, queried from the other side. */
  #through(model: PrismaModel): Link[] {
    return [...model.relations.values()].flatMap((relation): Link[] => {
      const { target, joinTable } = relation
      const [key] = model.primaryKey
      const back = [...target.relations.values()].find(
        (other) => other.name === relation.name && (other.target !== target || other !== relation),
      )
      if (joinTable === undefined || back === undefined || key === undefined) return []
      const orderBy = target.primaryKey.map((name) => ({ [name]: 'asc' }))
      const args = { where: { [back.field]: { some: { [key]: hole() } } }, orderBy }
      const call: Call = { orm: 'prisma', model: target.name, action: 'findMany', args, order: 'total' }
      return [{ target, fields: [key], call: fc.constant(call), weight: 3 }]
    })
  }

  /** Keys of one model used for queries of an unrelated model. */
  #coincidences(model: PrismaModel, orm: Orm): Link[] {
    const [key = '', ...rest] = model.primaryKey
    if (rest.length > 0 || !this.hasCoincidences) return []
    const { type } = fieldOf(model, key)
    return [...this.ground.schema.models.values()].flatMap((target): Link[] => {
      const [other = '', ...others] = target.primaryKey
      if (target === model || others.length > 0 || fieldOf(target, other).type !== type) return []
      const subject = this.#subject(target, [other])
      return subject === undefined
        ? []
        : [{ target, fields: [key], call: this.#call(subject, orm), weight: 1 }]
    })
  }

  #subject(model: PrismaModel, fields: readonly string[]): Subject | undefined {
    return subjectsOf(model, this.ground).find((subject) => subject.fields.join() === fields.join())
  }

  #call(subject: Subject, orm: Orm): fc.Arbitrary<Call> {
    return orm === 'knex' ? knexCall(subject, this.ground) : prismaCall(subject)
  }
}
