import type { Dialect } from '@sluice/core'
import fc from 'fast-check'
import {
  type Call,
  fill,
  type GeneratedOrm,
  type InnerStep,
  type Interruption,
  type KnexCall,
  type Loop,
  type PastWrite,
  type PrismaCall,
  type Program,
  type Reads,
  type Step,
  type TransactionStep,
  type Walk,
  type Write,
} from './program.ts'
import { excludingPair, twinOf } from './twin.ts'
import type { Vocabulary } from './vocabulary.ts'

const BOTH = ['prisma', 'knex'] as const

/**
 * Programs of both ORMs with deterministic results without Sluice.
 *
 * @param both - The ORMs, each as often as it counts.
 */
export function programs(
  vocabulary: Vocabulary,
  both: readonly GeneratedOrm[] = BOTH,
): fc.Arbitrary<Program> {
  const anyLoop = fc.oneof(...both.map((orm) => vocabulary.loop(orm)))
  const anyReads = readsOf(anyLoop)
  const anyWrite = fc.oneof(...both.map((orm) => vocabulary.write(orm)))
  const anyWalk = fc.oneof(...([...both, 'both'] as const).map((orm) => vocabulary.walk(orm)))
  const transaction = fc.oneof(...both.map((orm) => transactionOf(orm, vocabulary, anyReads)))
  const views = fc.array(fc.oneof(...both.map((orm) => vocabulary.view(orm))), { minLength: 1, maxLength: 3 })
  const viewing = views.map((shown): Reads => ({ kind: 'reads', isParallel: true, loops: shown, times: 1 }))
  const part = fc.oneof<fc.MaybeWeightedArbitrary<Reads | Walk>[]>(
    { weight: 1, arbitrary: anyReads },
    { weight: 1, arbitrary: anyWalk },
  )
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: anyReads },
    {
      weight: 6,
      arbitrary: fc.oneof(anyWalk, interrupted(anyWalk, anyWrite, transaction, anyReads, vocabulary, both)),
    },
    { weight: 4, arbitrary: anyWrite.map((call): Write => ({ kind: 'write', call })) },
    { weight: 2, arbitrary: transaction },
    { weight: 1, arbitrary: batchOf(vocabulary) },
    { weight: 1, arbitrary: fc.oneof(...both.map((orm) => pollOf(vocabulary.poll(orm), vocabulary))) },
    { weight: 1, arbitrary: fc.oneof(...both.map((orm) => refetchOf(orm, vocabulary, anyReads))) },
    {
      weight: 2,
      arbitrary: fc
        .record({ parts: fc.array(part, { minLength: 2, maxLength: 3 }), isShared: fc.boolean() })
        .map(({ parts, isShared }): Step => ({ kind: 'scopes', parts, isShared })),
    },
    {
      weight: 1,
      arbitrary: fc
        .record({ reads: fc.oneof(anyReads, viewing, viewing), write: anyWrite })
        .map(({ reads, write }): Step => ({ kind: 'race', reads, write })),
    },
  )
  // A repeated read after a write, which is the hard case for the cache.
  const around = fc
    .tuple(
      fc.oneof(readsOf(anyLoop), viewing),
      fc.oneof(
        { weight: 4, arbitrary: anyWrite.map((call): Step => ({ kind: 'write', call })) },
        { weight: 2, arbitrary: transaction },
      ),
    )
    .map(([reads, between]): readonly Step[] => {
      const middle =
        between.kind === 'transaction' ? readBeforeEnd(between, reads, vocabulary.dialect) : between
      return [{ ...reads, times: 2 }, middle, reads]
    })
  const unseen = vocabulary.unseen?.()
  const steps = fc.array(
    fc.oneof(
      { weight: 3, arbitrary: step.map((only): readonly Step[] => [only]) },
      { weight: 2, arbitrary: around },
      ...(unseen === undefined ? [] : [{ weight: 5, arbitrary: unseen }]),
    ),
    { minLength: 1, maxLength: 4 },
  )
  return fc.record({
    isScoped: fc.oneof(
      { weight: 9, arbitrary: fc.constant(true) },
      { weight: 1, arbitrary: fc.constant(false) },
    ),
    steps: steps.map((parts) => parts.flat()),
  })
}

/** Walks whose rows the program changes during the walk. */
function interrupted(
  walks: fc.Arbitrary<Walk>,
  anyWrite: fc.Arbitrary<Call>,
  transaction: fc.Arbitrary<TransactionStep>,
  reads: fc.Arbitrary<Reads>,
  vocabulary: Vocabulary,
  both: readonly GeneratedOrm[],
): fc.Arbitrary<Walk> {
  return walks.chain((walk) => {
    const near = fc.oneof(...both.map((orm) => vocabulary.writeNear(orm, walk)))
    const past = fc
      .constantFrom('by a request' as const, 'by age' as const)
      .chain((told) => writePast(walk, vocabulary, told))
    const step = fc.oneof<fc.MaybeWeightedArbitrary<Write | TransactionStep | Reads | PastWrite>[]>(
      { weight: 3, arbitrary: near.map((call) => ({ kind: 'write', call })) },
      { weight: 2, arbitrary: anyWrite.map((call) => ({ kind: 'write', call })) },
      { weight: 2, arbitrary: transaction },
      { weight: 1, arbitrary: reads },
      { weight: 3, arbitrary: past },
    )
    const interruption = fc
      .record({
        afterRow: fc.integer({ min: 1, max: 6 }),
        isElsewhere: fc.boolean(),
        mayOverlap: fc.boolean(),
        step,
      })
      .map(({ mayOverlap, ...parts }) => ({ ...parts, overlaps: mayOverlap && parts.step.kind === 'write' }))
    return fc
      .array(interruption, { minLength: 1, maxLength: 2 })
      .map((interruptions) => ({ ...walk, isParallel: false, interruptions }))
  })
}

function writePast(walk: Walk, vocabulary: Vocabulary, told: PastWrite['told']): fc.Arbitrary<PastWrite> {
  return fc
    .oneof(vocabulary.writeNear('knex', walk), vocabulary.writeNear('knex', walk), vocabulary.write('knex'))
    .map((call) => ({ kind: 'past', call: call as KnexCall, told }))
}

function pollOf(walks: fc.Arbitrary<Walk>, vocabulary: Vocabulary): fc.Arbitrary<Step> {
  return walks.chain((walk) =>
    writePast(walk, vocabulary, 'not').map((between): Step => ({ kind: 'poll', walk, between })),
  )
}

function refetchOf(
  orm: GeneratedOrm,
  vocabulary: Vocabulary,
  otherwise: fc.Arbitrary<Step>,
): fc.Arbitrary<Step> {
  const walks = vocabulary.refetch?.(orm)
  if (walks === undefined) return otherwise
  return walks.chain((walk) => {
    const interruption = fc
      .tuple(fc.integer({ min: 1, max: 6 }), writePast(walk, vocabulary, 'not'))
      .map(([afterRow, step]): Interruption => ({ afterRow, isElsewhere: false, overlaps: false, step }))
    return fc
      .array(interruption, { minLength: 1, maxLength: 2 })
      .map((interruptions): Step => ({ kind: 'refetch', walk: { ...walk, interruptions } }))
  })
}

/**
 * The transaction with the reads in it and outside it, immediately before its end: its reads must return its
 * own writes, and the results of other reads must not outlast its commit.
 */
function readBeforeEnd(transaction: TransactionStep, reads: Reads, dialect: Dialect): TransactionStep {
  const own = reads.loops.filter(({ call }) => call.orm === transaction.orm)
  const others = dialect === 'sqlite' ? reads.loops.filter((loop) => !own.includes(loop)) : reads.loops
  const inside: Reads = { ...reads, loops: own }
  const outside: Reads = { ...reads, loops: others }
  return { ...transaction, steps: [...transaction.steps, { kind: 'beside', inside, outside }] }
}

function readsOf(loop: fc.Arbitrary<Loop>): fc.Arbitrary<Reads> {
  const twins = loop.map((one): readonly Loop[] => [one, twinOf(one)])
  return fc
    .record({
      isParallel: fc.oneof(
        { weight: 3, arbitrary: fc.constant(true) },
        { weight: 1, arbitrary: fc.constant(false) },
      ),
      loops: fc.oneof(
        { weight: 5, arbitrary: fc.array(loop, { minLength: 1, maxLength: 2 }) },
        { weight: 1, arbitrary: twins },
        { weight: 1, arbitrary: loop.map(excludingPair) },
      ),
      times: fc.constantFrom(1, 1, 2),
    })
    .map((parts) => ({ kind: 'reads', ...parts }))
}

function transactionOf(
  orm: GeneratedOrm,
  vocabulary: Vocabulary,
  anyReads: fc.Arbitrary<Reads>,
): fc.Arbitrary<TransactionStep> {
  const { dialect } = vocabulary
  const write = vocabulary.writeInTransaction(orm).map((call): Write => ({ kind: 'write', call }))
  const reads = readsOf(
    fc.oneof({ weight: 3, arbitrary: vocabulary.loop(orm) }, { weight: 1, arbitrary: vocabulary.view(orm) }),
  )
  const ends = fc.constantFrom('commit' as const, 'commit' as const, 'rollback' as const)
  // SQLite has one writer, and each ORM one connection.
  const otherLoop = vocabulary.loop(orm === 'knex' ? 'prisma' : 'knex')
  const distant = vocabulary
    .distantWrite?.()
    .map((call): InnerStep => ({ kind: 'outside', steps: [{ kind: 'write', call }] }))
  const outsideReads = (dialect === 'sqlite' ? readsOf(otherLoop) : anyReads).map(
    (only): InnerStep => ({ kind: 'outside', steps: [only] }),
  )
  const outside =
    dialect === 'sqlite' || distant === undefined ? outsideReads : fc.oneof(outsideReads, distant)
  const flat = fc.oneof<fc.MaybeWeightedArbitrary<InnerStep>[]>(
    { weight: 3, arbitrary: write },
    { weight: 2, arbitrary: reads },
    { weight: 1, arbitrary: vocabulary.walk(orm) },
    { weight: 1, arbitrary: outside },
  )
  const nested = fc
    .record({
      steps: fc.array(fc.oneof<fc.Arbitrary<InnerStep>[]>(write, reads), { minLength: 1, maxLength: 2 }),
      ends,
    })
    .map((parts): InnerStep => ({ kind: 'transaction', orm, ...parts }))
  return fc
    .record({
      steps: fc.array(fc.oneof({ weight: 4, arbitrary: flat }, { weight: 2, arbitrary: nested }), {
        minLength: 1,
        maxLength: 4,
      }),
      ends,
    })
    .map((parts) => ({ kind: 'transaction', orm, ...parts }))
}

function batchOf(vocabulary: Vocabulary): fc.Arbitrary<Step> {
  const read = vocabulary
    .loop('prisma')
    .map(({ call, keys }) => ({ call, key: Array.isArray(keys) ? keys[0] : 1 }))
  const write = vocabulary.write('prisma').map((call) => ({ call, key: undefined }))
  return fc
    .array(fc.oneof({ weight: 2, arbitrary: read }, { weight: 1, arbitrary: write }), {
      minLength: 1,
      maxLength: 4,
    })
    .map(
      (members): Step => ({
        kind: 'batch',
        calls: members.map(({ call, key }) => fill(call, key) as PrismaCall),
      }),
    )
}
