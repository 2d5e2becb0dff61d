import fc from 'fast-check'
import type {
  BuilderCall,
  BuilderOrm,
  Call,
  Hop,
  InnerStep,
  Loop,
  Program,
  Reads,
  Step,
  TransactionStep,
  Walk,
  Write,
} from '../program.ts'

/** Number of ORMs from which calls of different forms choose. */
const CHOICES = 8

/** The programs, with their calls of Knex written in these ORMs. Definitions and sessions stay in Knex. */
export function inBuilders(
  programs: fc.Arbitrary<Program>,
  orms: readonly BuilderOrm[],
): fc.Arbitrary<Program> {
  const choices = fc.array(fc.constantFrom(...orms), { minLength: CHOICES, maxLength: CHOICES })
  return fc.tuple(programs, choices).map(([program, chosen]) => new Translator(chosen).program(program))
}

class Translator {
  /** Number of transactions so far. */
  #transactions = 0

  constructor(
    private readonly choices: readonly BuilderOrm[],
    /** The ORM of a transaction. */
    private readonly only?: BuilderOrm,
  ) {}

  program({ steps, ...program }: Program): Program {
    return { ...program, steps: steps.map((step) => this.#step(step)) }
  }

  #step(step: Step): Step {
    switch (step.kind) {
      case 'session':
      case 'batch':
        return step
      case 'poll':
      case 'refetch':
        return { ...step, walk: this.#walk(step.walk) }
      case 'scopes':
        return {
          ...step,
          parts: step.parts.map((part) => (part.kind === 'walk' ? this.#walk(part) : this.#reads(part))),
        }
      case 'race':
        return { ...step, reads: this.#reads(step.reads), write: this.#call(step.write) }
      default:
        return this.#inner(step)
    }
  }

  #inner<TStep extends InnerStep>(step: TStep): TStep
  #inner(step: InnerStep): InnerStep {
    switch (step.kind) {
      case 'reads':
        return this.#reads(step)
      case 'walk':
        return this.#walk(step)
      case 'write':
        return this.#write(step)
      case 'definition':
        return step
      case 'transaction':
        return this.#transaction(step)
      case 'outside': {
        const outside = this.#outside()
        return { ...step, steps: step.steps.map((inner) => outside.#inner(inner)) }
      }
      case 'beside':
        return { ...step, inside: this.#reads(step.inside), outside: this.#outside().#reads(step.outside) }
    }
  }

  /** Its savepoints are in the same ORM. */
  #transaction(step: TransactionStep): TransactionStep {
    if (step.orm === 'prisma') return { ...step, steps: step.steps.map((inner) => this.#inner(inner)) }
    // Definitions are statements of Knex on the transaction's connection.
    const isDefining = step.steps.some(({ kind }) => kind === 'definition')
    const orm = isDefining ? 'knex' : (this.only ?? this.#choose(this.#transactions++))
    const inside = new Translator(this.choices, orm)
    return { ...step, orm, steps: step.steps.map((inner) => inside.#inner(inner)) }
  }

  #outside(): Translator {
    return this.only === undefined ? this : new Translator(this.choices)
  }

  #reads(reads: Reads): Reads {
    return { ...reads, loops: reads.loops.map((loop) => this.#loop(loop)) }
  }

  #loop({ call, keys }: Loop): Loop {
    return {
      call: this.#call(call),
      keys: 'listing' in keys ? { ...keys, listing: this.#call(keys.listing) } : keys,
    }
  }

  #walk(walk: Walk): Walk {
    return {
      ...walk,
      listing: this.#call(walk.listing),
      hops: walk.hops.map((hop) => this.#hop(hop)),
      interruptions: walk.interruptions.map((interruption) => {
        const { step } = interruption
        return step.kind === 'past' ? interruption : { ...interruption, step: this.#inner(step) }
      }),
    }
  }

  #hop(hop: Hop): Hop {
    return { ...hop, call: this.#call(hop.call), next: hop.next.map((next) => this.#hop(next)) }
  }

  #write(write: Write): Write {
    return { ...write, call: this.#call(write.call) }
  }

  #call(call: Call): Call {
    if (call.orm === 'prisma') return call
    return { ...call, orm: this.only ?? this.#choose(rankOf(call)) }
  }

  #choose(rank: number): BuilderOrm {
    return this.choices[rank % this.choices.length] ?? 'knex'
  }
}

/** Equal for calls that differ in their values only: a repeated call is one of the same ORM. */
export function rankOf({ table = '', chain }: BuilderCall): number {
  let rank = 7
  for (const letter of [table, ...chain.map(([method]) => method)].join())
    rank = (rank * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003
  return rank
}
