import type { Dialect } from '@sluice/core'
import fc from 'fast-check'
import type { PrismaSchema } from '../../packages/prisma/src/schema/prisma-schema.ts'
import type { Row } from '../support/random-operations.ts'
import { knexLoop, knexView } from './knex-reads.ts'
import { prismaRandomRead, prismaRandomWrite } from './prisma-random.ts'
import { prismaLoop, prismaView } from './prisma-reads.ts'
import {
  type Call,
  fill,
  type InnerStep,
  type Loop,
  type PrismaCall,
  type Program,
  type Reads,
  type Step,
  type TransactionStep,
  type Write,
} from './program.ts'
import { distantWrite, knexWrite, prismaWrite } from './writes.ts'

/** What programs are made for. */
export interface Ground {
  readonly dialect: Dialect
  readonly schema: PrismaSchema
  readonly rows: ReadonlyMap<string, readonly Row[]>
}

/** Models that transactions leave to writes outside them. */
const DISTANT = new Set(['Employee', 'Device', 'Reading'])

const both = ['prisma', 'knex'] as const

/** Programs of both ORMs, whose results the bare database determines. */
export function programs(ground: Ground): fc.Arbitrary<Program> {
  const loops = { prisma: prismaLoops(ground), knex: knexLoop() }
  const writes = {
    prisma: fc.oneof(
      { weight: 2, arbitrary: prismaWrite() },
      { weight: 1, arbitrary: prismaRandomWrite(ground.schema, ground.rows, () => true) },
    ),
    knex: knexWrite(ground.dialect),
  }
  const anyLoop = fc.oneof({ weight: 1, arbitrary: loops.prisma }, { weight: 1, arbitrary: loops.knex })
  const anyReads = readsOf(anyLoop)
  const anyWrite = fc.oneof<fc.Arbitrary<Call>[]>(writes.prisma, writes.knex)
  const transaction = fc.oneof(...both.map((orm) => transactionOf(orm, loops[orm], ground, anyReads)))
  const views = fc.array(fc.oneof(prismaView(), knexView()), { minLength: 1, maxLength: 3 })
  const viewing = views.map((shown): Reads => ({ kind: 'reads', isParallel: true, loops: shown, times: 1 }))
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: anyReads },
    { weight: 4, arbitrary: anyWrite.map((call): Write => ({ kind: 'write', call })) },
    { weight: 2, arbitrary: transaction },
    { weight: 1, arbitrary: batchOf(loops.prisma, writes.prisma) },
    { weight: 1, arbitrary: fc.array(anyReads, { minLength: 2, maxLength: 3 }).map((parts): Step => ({ kind: 'scopes', parts })) },
    {
      weight: 1,
      arbitrary: fc
        .record({ reads: fc.oneof(anyReads, viewing, viewing), write: anyWrite })
        .map(({ reads, write }): Step => ({ kind: 'race', reads, write })),
    },
  )
  // A read that comes again after a write: what the cache must not get wrong.
  const around = fc
    .tuple(
      fc.oneof(readsOf(anyLoop), viewing),
      fc.oneof({ weight: 4, arbitrary: anyWrite.map((call): Step => ({ kind: 'write', call })) }, { weight: 2, arbitrary: transaction }),
    )
    .map(([reads, between]): readonly Step[] => {
      const step = between.kind === 'transaction' ? readBeforeEnd(between, reads, ground.dialect) : between
      return [{ ...reads, times: 2 }, step, reads]
    })
  const steps = fc.array(
    fc.oneof({ weight: 3, arbitrary: step.map((only): readonly Step[] => [only]) }, { weight: 2, arbitrary: around }),
    { minLength: 1, maxLength: 4 },
  )
  return fc.record({
    isScoped: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    steps: steps.map((parts) => parts.flat()),
  })
}

/**
 * The transaction with the reads in it and outside it, right before its end: what it finds must be its own,
 * and what others find must not outlast its commit.
 */
function readBeforeEnd(transaction: TransactionStep, reads: Reads, dialect: Dialect): TransactionStep {
  const own = reads.loops.filter(({ call }) => call.orm === transaction.orm)
  const others = dialect === 'sqlite' ? reads.loops.filter((loop) => !own.includes(loop)) : reads.loops
  const inside: Reads = { ...reads, loops: own }
  const outside: Reads = { ...reads, loops: others }
  return { ...transaction, steps: [...transaction.steps, { kind: 'beside', inside, outside }] }
}

function prismaLoops({ schema, rows }: Ground): fc.Arbitrary<Loop> {
  return fc.oneof({ weight: 4, arbitrary: prismaLoop() }, { weight: 1, arbitrary: prismaRandomRead(schema, rows) })
}

function readsOf(loop: fc.Arbitrary<Loop>): fc.Arbitrary<Reads> {
  return fc
    .record({
      isParallel: fc.oneof({ weight: 3, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
      loops: fc.array(loop, { minLength: 1, maxLength: 2 }),
      times: fc.constantFrom(1, 1, 2),
    })
    .map((parts) => ({ kind: 'reads', ...parts }))
}

function transactionOf(
  orm: Call['orm'],
  loop: fc.Arbitrary<Loop>,
  { dialect, schema, rows }: Ground,
  anyReads: fc.Arbitrary<Reads>,
): fc.Arbitrary<TransactionStep> {
  const near = (model: string) => !DISTANT.has(model)
  const calls: fc.Arbitrary<Call> =
    orm === 'knex'
      ? knexWrite(dialect)
      : fc.oneof({ weight: 2, arbitrary: prismaWrite() }, { weight: 1, arbitrary: prismaRandomWrite(schema, rows, near) })
  const write = calls.map((call): Write => ({ kind: 'write', call }))
  const view = orm === 'knex' ? knexView() : prismaView()
  const reads = readsOf(fc.oneof({ weight: 3, arbitrary: loop }, { weight: 1, arbitrary: view }))
  const ends = fc.constantFrom('commit' as const, 'commit' as const, 'rollback' as const)
  // SQLite has one writer, and each ORM one connection.
  const otherLoop = orm === 'knex' ? prismaLoop() : knexLoop()
  const outside: fc.Arbitrary<InnerStep> =
    dialect === 'sqlite'
      ? readsOf(otherLoop).map((only) => ({ kind: 'outside', steps: [only] }))
      : fc.oneof(
          anyReads.map((only): InnerStep => ({ kind: 'outside', steps: [only] })),
          distantWrite().map((call): InnerStep => ({ kind: 'outside', steps: [{ kind: 'write', call }] })),
        )
  const flat = fc.oneof<fc.MaybeWeightedArbitrary<InnerStep>[]>(
    { weight: 3, arbitrary: write },
    { weight: 2, arbitrary: reads },
    { weight: 1, arbitrary: outside },
  )
  const nested = fc
    .record({ steps: fc.array(fc.oneof<fc.Arbitrary<InnerStep>[]>(write, reads), { minLength: 1, maxLength: 2 }), ends })
    .map((parts): InnerStep => ({ kind: 'transaction', orm, ...parts }))
  return fc
    .record({
      steps: fc.array(fc.oneof({ weight: 4, arbitrary: flat }, { weight: 2, arbitrary: nested }), { minLength: 1, maxLength: 4 }),
      ends,
    })
    .map((parts) => ({ kind: 'transaction', orm, ...parts }))
}

function batchOf(loop: fc.Arbitrary<Loop>, write: fc.Arbitrary<PrismaCall>): fc.Arbitrary<Step> {
  const read = loop.map(({ call, keys }) => ({ call: call as PrismaCall, key: Array.isArray(keys) ? keys[0] : 1 }))
  return fc
    .array(fc.oneof({ weight: 2, arbitrary: read }, { weight: 1, arbitrary: write.map((call) => ({ call, key: undefined })) }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((members): Step => ({ kind: 'batch', calls: members.map(({ call, key }) => fill(call, key) as PrismaCall) }))
}
