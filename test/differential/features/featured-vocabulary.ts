import fc from 'fast-check'
import type {
  Call,
  DefinitionStep,
  GeneratedOrm,
  InnerStep,
  KnexCall,
  Loop,
  Reads,
  Step,
} from '../program.ts'
import { knexCall } from '../schemas/knex-calls.ts'
import { prismaCall, prismaViews } from '../schemas/prisma-calls.ts'
import { subjectsOf } from '../schemas/subjects.ts'
import { knexSchemaWrite, prismaSchemaWrite } from '../schemas/writes.ts'
import type { Ground, Vocabulary } from '../vocabulary.ts'
import { type Definition, type FeaturePlan, type Link, readAll, type Session } from './feature-plan.ts'

const both = ['prisma', 'knex'] as const

/** Calls that use the features of a database in addition to the tables of the models. */
export function featuredVocabulary(
  { distantWrite: _, ...plain }: Vocabulary,
  ground: Ground,
  plan: FeaturePlan,
): Vocabulary {
  const calls = new FeatureCalls(ground, plan)
  const own = new Set<unknown>([...ground.rows.values()].flat().flatMap((row) => Object.values(row)))
  return { ...plain, unseen: () => calls.unseen(), isLoose: (text) => plain.isLoose(text) || !own.has(text) }
}

class FeatureCalls {
  constructor(
    private readonly ground: Ground,
    private readonly plan: FeaturePlan,
  ) {}

  unseen(): fc.Arbitrary<readonly Step[]> {
    const { links, definitions, sessions } = this.plan
    const linked = fc.constantFrom(...links).chain((link) => this.#linked(link))
    const defined = fc.constantFrom(...definitions).chain((definition) => this.#defined(definition))
    if (sessions.length === 0) return fc.oneof(linked, defined)
    const inSession = fc.constantFrom(...sessions).chain((session) => this.#inSession(session))
    return fc.oneof(
      { weight: 4, arbitrary: linked },
      { weight: 4, arbitrary: defined },
      { weight: 1, arbitrary: inSession },
    )
  }

  #linked(link: Link): fc.Arbitrary<readonly Step[]> {
    return fc
      .tuple(this.#reads(link), this.#write(link))
      .map(([reads, write]): readonly Step[] => [
        { ...reads, times: 2 },
        { kind: 'write', call: write },
        reads,
      ])
  }

  #defined(definition: Definition): fc.Arbitrary<readonly Step[]> {
    return fc
      .record({
        reads: this.#reads(definition),
        write: this.#write(definition),
        step: this.#step(definition),
        orm: fc.constantFrom(...both),
        place: fc.constantFrom('alone', 'alone', 'beside reads', 'in a transaction'),
        ends: fc.constantFrom('commit' as const, 'commit' as const, 'rollback' as const),
        readsBetween: fc.boolean(),
      })
      .map(({ reads, write, step, orm, place, ends, readsBetween }): readonly Step[] => {
        const twice: Reads = { ...reads, times: 2 }
        const between = readsBetween ? [twice] : []
        const after: readonly Step[] = [...between, { kind: 'write', call: write }, reads]
        if (place === 'in a transaction' && definition.isShared) {
          const { define } = definition
          const call = typeof define === 'string' ? rawCall(define, orm) : define
          const inner: InnerStep[] = [
            { ...step, call },
            ...(write.orm === call.orm ? [{ kind: 'write' as const, call: write }] : []),
          ]
          return [twice, { kind: 'transaction', orm: call.orm, steps: inner, ends }, ...after]
        }
        const beside = place === 'beside reads' ? { beside: { ...twice, isParallel: false } } : {}
        return [twice, { ...step, ...beside }, ...after]
      })
  }

  #step({ define, undo }: Definition): fc.Arbitrary<DefinitionStep> {
    const call: fc.Arbitrary<Call> =
      typeof define === 'string'
        ? fc.constantFrom(...both).map((orm) => rawCall(define, orm))
        : fc.constant(define)
    return fc
      .record({
        call,
        isAwaited: fc.oneof(
          { weight: 3, arbitrary: fc.constant(true) },
          { weight: 1, arbitrary: fc.constant(false) },
        ),
      })
      .map((parts) => ({ kind: 'definition', undo, ...parts }))
  }

  #inSession(session: Session): fc.Arbitrary<readonly Step[]> {
    const { enter, leave } = session
    return fc
      .record({
        reads: this.#reads(session),
        calls: fc.array(fc.constantFrom(...session.writes), { minLength: 1, maxLength: 2 }),
        ends: fc.constantFrom('commit' as const, 'commit' as const, 'rollback' as const),
      })
      .map(({ reads, calls, ends }): readonly Step[] => [
        { ...reads, times: 2 },
        { kind: 'session', enter, calls, leave, ends },
        reads,
      ])
  }

  #reads({ reads }: Link): fc.Arbitrary<Reads> {
    return this.#loop(reads).map((loop) => ({ kind: 'reads', isParallel: true, loops: [loop], times: 1 }))
  }

  #loop(reads: Link['reads']): fc.Arbitrary<Loop> {
    if (isCalls(reads)) return fc.constantFrom(...reads).map((call) => ({ call, keys: [0] }))
    const whole = fc.constant<Loop>({ call: readAll(reads.table), keys: [0] })
    const { model } = reads
    if (model === undefined) return whole
    const { ground } = this
    const byKey = fc
      .constantFrom(...subjectsOf(model, ground))
      .chain((subject) =>
        fc.record({
          call: fc.oneof<fc.Arbitrary<Call>[]>(knexCall(subject, ground), prismaCall(subject)),
          keys: subject.keys,
        }),
      )
      .filter(({ call, keys }) => call.orm === 'prisma' || !keys.flat().includes(undefined))
    return fc.oneof(
      { weight: 2, arbitrary: whole },
      { weight: 2, arbitrary: prismaViews([model]) },
      { weight: 1, arbitrary: byKey },
    )
  }

  #write({ writes }: Link): fc.Arbitrary<Call> {
    if (isCalls(writes)) return fc.constantFrom(...writes)
    return fc.oneof<fc.Arbitrary<Call>[]>(
      prismaSchemaWrite(this.ground, [writes]),
      knexSchemaWrite(this.ground, [writes]),
    )
  }
}

function isCalls(part: Link['reads'] | Link['writes']): part is readonly KnexCall[] {
  return Array.isArray(part)
}

function rawCall(sql: string, orm: GeneratedOrm): Call {
  return orm === 'knex'
    ? { orm, chain: [['raw', sql]], order: 'none', isVague: true }
    : { orm, action: '$executeRawUnsafe', args: [sql], order: 'none' }
}
