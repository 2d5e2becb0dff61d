import fc from 'fast-check'
import { COLLATED_TEXTS } from './keys.ts'
import { knexLoop, knexView } from './knex-reads.ts'
import { prismaRandomRead, prismaRandomWrite } from './prisma-random.ts'
import { prismaLoop, prismaView } from './prisma-reads.ts'
import type { Call } from './program.ts'
import { walkVocabulary } from './schemas/walks.ts'
import type { Ground, Vocabulary } from './vocabulary.ts'
import { distantWrite, knexWrite, prismaWrite } from './writes.ts'

/** Models that only writes outside of transactions modify. */
const DISTANT = new Set(['Employee', 'Device', 'Reading'])

/** Calls on the models of `prisma/models.prisma`, most of them written by hand. */
export function fixedVocabulary(ground: Ground): Vocabulary {
  const { dialect, schema, rows } = ground
  const prismaWrites = (isAllowed: (model: string) => boolean): fc.Arbitrary<Call> =>
    fc.oneof(
      { weight: 2, arbitrary: prismaWrite() },
      { weight: 1, arbitrary: prismaRandomWrite(schema, rows, isAllowed) },
    )
  return {
    dialect,
    loop: (orm) =>
      orm === 'knex'
        ? knexLoop()
        : fc.oneof(
            { weight: 4, arbitrary: prismaLoop() },
            { weight: 1, arbitrary: prismaRandomRead(schema, rows) },
          ),
    view: (orm) => (orm === 'knex' ? knexView() : prismaView()),
    write: (orm) => (orm === 'knex' ? knexWrite(dialect) : prismaWrites(() => true)),
    writeInTransaction: (orm) =>
      orm === 'knex' ? knexWrite(dialect) : prismaWrites((model) => !DISTANT.has(model)),
    distantWrite,
    ...walkVocabulary(ground),
    isLoose: (text) => COLLATED_TEXTS.has(text),
  }
}
