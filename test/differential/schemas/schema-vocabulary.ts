import fc from 'fast-check'
import { prismaRandomRead, prismaRandomWrite } from '../prisma-random.ts'
import type { Call, GeneratedOrm, Loop } from '../program.ts'
import type { Ground, Vocabulary } from '../vocabulary.ts'
import { knexCall, knexViews } from './knex-calls.ts'
import { prismaCall, prismaViews } from './prisma-calls.ts'
import { subjectsOf } from './subjects.ts'
import { isLoose } from './values.ts'
import { walkVocabulary } from './walks.ts'
import { knexSchemaWrite, prismaSchemaWrite } from './writes.ts'

/** Calls on the models of any schema, derived from its metadata. */
export function schemaVocabulary(ground: Ground): Vocabulary {
  const { dialect, schema, rows } = ground
  const models = [...schema.models.values()]
  const subjects = models.flatMap((model) => subjectsOf(model, ground))
  const loopOf = (callOf: (subject: (typeof subjects)[number]) => fc.Arbitrary<Call>): fc.Arbitrary<Loop> =>
    fc.constantFrom(...subjects).chain((subject) => fc.record({ call: callOf(subject), keys: subject.keys }))
  const loops = {
    prisma: fc.oneof(
      { weight: 4, arbitrary: loopOf(prismaCall) },
      { weight: 1, arbitrary: prismaRandomRead(schema, rows) },
    ),
    knex: loopOf((subject) => knexCall(subject, ground)).map(
      ({ call, keys }): Loop => ({ call, keys: withoutUndefined(keys) }),
    ),
  }
  const views = { prisma: prismaViews(models), knex: knexViews(ground) }
  const writes: Readonly<Record<GeneratedOrm, fc.Arbitrary<Call>>> = {
    prisma: fc.oneof<fc.MaybeWeightedArbitrary<Call>[]>(
      { weight: 2, arbitrary: prismaSchemaWrite(ground) },
      { weight: 1, arbitrary: prismaRandomWrite(schema, rows, () => true) },
    ),
    knex: knexSchemaWrite(ground),
  }
  return {
    dialect,
    loop: (orm) => loops[orm],
    view: (orm) => views[orm],
    write: (orm) => writes[orm],
    writeInTransaction: (orm) => writes[orm],
    ...walkVocabulary(ground),
    isLoose,
  }
}

/** Knex rejects `undefined` before it sends a query. */
function withoutUndefined(keys: Loop['keys']): Loop['keys'] {
  if (!Array.isArray(keys)) return keys
  return keys.map((key: unknown) =>
    Array.isArray(key) ? key.map((part: unknown) => part ?? null) : (key ?? null),
  )
}
