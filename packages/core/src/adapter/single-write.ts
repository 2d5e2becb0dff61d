import type { AnnouncedWrite, WriteOutcome, WriteTracker } from '../pipeline/writes.ts'
import { EVERYTHING, type WriteEffect } from '../schema/catalog.ts'
import type { SchemaGenerations, WriteEra } from '../schema/schema-generations.ts'
import { SluiceError } from '../shared/errors.ts'

/**
 * A write that takes effect without a later commit, from its announcement to its end. A class: one is created
 * for each.
 */
export class SingleWrite implements AnnouncedWrite {
  constructor(
    private readonly writes: WriteTracker,
    private readonly generations: SchemaGenerations,
    private readonly effect: WriteEffect,
    private readonly announced: AnnouncedWrite,
    /** The generation of the schema by which it was analyzed. */
    private readonly generation: number,
    private era: WriteEra | undefined,
    private readonly endDefinition: ((isOver: boolean) => void) | undefined,
  ) {}

  get ready(): Promise<void> | undefined {
    return this.announced.ready
  }

  end(outcome: WriteOutcome): Promise<void> | undefined {
    const { generations, generation, effect, announced } = this
    const isOutdated = !effect.everything && outcome !== 'rolled-back' && generations.current !== generation
    const announcing = isOutdated ? this.#wroteEverything(outcome) : undefined
    this.over(outcome !== 'unknown')
    const ended = announced.end(outcome)
    return announcing === undefined ? ended : announcing.then(() => ended)
  }

  /** Reports that the write is no longer in flight. A second call does nothing. */
  over(isCertain: boolean): void {
    this.endDefinition?.(isCertain)
    if (this.era !== undefined) this.generations.endWrite(this.era)
    this.era = undefined
  }

  #wroteEverything(outcome: WriteOutcome): Promise<void> | undefined {
    return endLate(this.writes.announce(EVERYTHING), outcome)
  }
}

/** Ends a write that has taken effect before it was announced. */
export function endLate(announced: AnnouncedWrite, outcome: WriteOutcome): Promise<void> | undefined {
  if (announced.ready === undefined) return announced.end(outcome)
  return announced.ready.then(
    () => announced.end(outcome),
    () => {},
  )
}

/** A synchronous driver cannot wait until other processes know of a write: it must not be sent. */
export function refuseToWait(ready: Promise<void> | undefined): void {
  if (ready === undefined) return
  ready.catch(() => {})
  throw new SluiceError(
    'SLUICE_ADAPTER_REQUIRED',
    'A synchronous driver cannot notify other processes before it writes. Expected a Sluice without `cache.store`, or an asynchronous driver.',
  )
}
