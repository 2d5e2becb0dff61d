import fc from 'fast-check'
import type { Args, ModelInfo } from './prisma-models.ts'
import type { Order, PrismaCall } from './program.ts'

/** Calls of `findMany`: in a total order, in any order, or with a slice that the database decides. */
export function listing(
  model: string,
  where: fc.Arbitrary<Args>,
  { total, partial, selections, group }: ModelInfo,
): fc.Arbitrary<PrismaCall> {
  const findMany = (args: unknown, order: Order): PrismaCall => {
    return { orm: 'prisma', model, action: 'findMany', args, order }
  }
  const window = fc.constantFrom(
    {},
    {},
    {},
    { take: 2 },
    { skip: 1, take: 2 },
    { take: -2 },
    { distinct: [group] },
  )
  const ordered = fc
    .record({
      where,
      orderBy: fc.constantFrom(...total),
      selection: fc.constantFrom(...selections),
      window,
    })
    .map(({ where, orderBy, selection, window: part }) =>
      findMany({ where, orderBy, ...selection, ...part }, 'total'),
    )
  const unordered = fc
    .record({
      where,
      orderBy: fc.constantFrom(...partial),
      selection: fc.constantFrom(...selections),
    })
    .map(({ where, orderBy, selection }) =>
      findMany({ where, ...(orderBy === undefined ? {} : { orderBy }), ...selection }, 'none'),
    )
  const doubtful = fc
    .record({
      where,
      orderBy: fc.constantFrom(...partial),
      selection: fc.constantFrom(...selections),
      window: fc.constantFrom({ take: 1 }, { take: 2 }, { skip: 1, take: 2 }),
    })
    .map(({ where, orderBy, selection, window: part }) =>
      findMany({ where, ...(orderBy === undefined ? {} : { orderBy }), ...selection, ...part }, 'doubtful'),
    )
  return fc.oneof(
    { weight: 4, arbitrary: ordered },
    { weight: 2, arbitrary: unordered },
    { weight: 1, arbitrary: doubtful },
  )
}
