import type { Scope } from '../../pipeline/scope.ts'
import type { AnnouncedWrite, StateAhead, TransactionWrites, WriteIntent, WriteOutcome, WriteTracker } from '../../pipeline/writes.ts'
import type { WriteEffect } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { ReadFloors } from './read-floors.ts'

/** Receives writes of this process and of others. */
export interface FollowedWrites extends WriteTracker {
  invalidate(effect: WriteEffect): Promise<void>
}

/**
 * Raises the floors of reads with every write, then passes it on. The floor is raised first, because cached
 * results count as current from then on.
 */
export class FloorWrites implements FollowedWrites {
  readonly isShared: boolean
  readonly ahead?: (tables: readonly TableId[]) => Promise<StateAhead | undefined>

  constructor(
    private readonly inner: FollowedWrites,
    private readonly floors: ReadFloors,
    private readonly scope: () => Scope | undefined,
  ) {
    this.isShared = inner.isShared
    if (inner.ahead !== undefined) this.ahead = inner.ahead.bind(inner)
  }

  begin(effect: WriteEffect): WriteIntent {
    const intent = this.inner.begin(effect)
    const scope = this.scope()
    return {
      end: (outcome) => {
        this.floors.ended(scope, outcome)
        intent.end(outcome)
      },
    }
  }

  announce(effect: WriteEffect): AnnouncedWrite {
    const announced = this.inner.announce(effect)
    const scope = this.scope()
    return {
      ready: announced.ready,
      end: (outcome) => {
        this.floors.ended(scope, outcome)
        return announced.end(outcome)
      },
    }
  }

  transaction(): TransactionWrites {
    return new FloorTransaction(this.inner.transaction(), this.floors, this.scope)
  }

  stateOf(tables: readonly TableId[]): number | undefined {
    return this.inner.stateOf(tables)
  }

  invalidate(effect: WriteEffect): Promise<void> {
    this.floors.ended(this.scope(), 'committed')
    return this.inner.invalidate(effect)
  }
}

class FloorTransaction implements TransactionWrites {
  readonly #scopes = new Set<Scope | undefined>()

  constructor(
    private readonly inner: TransactionWrites,
    private readonly floors: ReadFloors,
    private readonly scope: () => Scope | undefined,
  ) {}

  add(effect: WriteEffect): void {
    this.#scopes.add(this.scope())
    this.inner.add(effect)
  }

  savepoint(name: string): void {
    this.inner.savepoint(name)
  }

  release(name: string): void {
    this.inner.release(name)
  }

  rollbackTo(name: string): void {
    this.inner.rollbackTo(name)
  }

  beforeCommit(): Promise<void> | undefined {
    return this.inner.beforeCommit()
  }

  end(outcome: WriteOutcome): Promise<void> | undefined {
    if (this.#scopes.size > 0) this.#scopes.add(this.scope())
    for (const scope of this.#scopes) this.floors.ended(scope, outcome)
    return this.inner.end(outcome)
  }
}
