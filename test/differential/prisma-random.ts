import fc from 'fast-check'
import type { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import { Random } from '../support/random.ts'
import { type RandomOperation, RandomOperations, type Row } from '../support/random-operations.ts'
import type { Args } from './prisma-models.ts'
import type { Loop, PrismaCall } from './program.ts'

function call(model: string, action: string, args: unknown): PrismaCall {
  return { orm: 'prisma', model, action, args, order: 'none' }
}

/** A read with relations in every place, as the models allow them. */
export function prismaRandomRead(
  schema: PrismaSchema,
  rows: ReadonlyMap<string, readonly Row[]>,
): fc.Arbitrary<Loop> {
  return randomOperation(schema, rows, (operations) => operations.read()).map(({ model, action, args }) => {
    const orderBy = (schema.models.get(model)?.primaryKey ?? []).map((field) => ({ [field]: 'asc' }))
    const { take, ...rest } = args
    if (action === 'findFirst') return { call: call(model, action, { ...rest, orderBy }), keys: [0] }
    return { call: call(model, action, take === undefined ? args : { ...args, orderBy }), keys: [0] }
  })
}

/** A write with nested writes of every kind. */
export function prismaRandomWrite(
  schema: PrismaSchema,
  rows: ReadonlyMap<string, readonly Row[]>,
  isAllowed: (model: string) => boolean,
): fc.Arbitrary<PrismaCall> {
  return randomOperation(schema, rows, (operations) => {
    for (;;) {
      const operation = operations.write()
      if (isAllowed(operation.model)) return operation
    }
  }).map(({ model, action, args }) =>
    call(
      model,
      action,
      action.startsWith('createMany') ? { ...args, data: alike(args.data as Args[]) } : args,
    ),
  )
}

/** Prisma inserts rows of different fields in a random order, which also affects their ids. */
function alike([first = {}, ...others]: readonly Args[]): readonly Args[] {
  const fields = Object.keys(first).join()
  return [first, ...others.filter((other) => Object.keys(other).join() === fields)]
}

function randomOperation(
  schema: PrismaSchema,
  rows: ReadonlyMap<string, readonly Row[]>,
  make: (operations: RandomOperations) => RandomOperation,
): fc.Arbitrary<RandomOperation> {
  return fc.nat(2 ** 31 - 1).map((chance) => make(new RandomOperations(schema, new Random(chance), rows)))
}
