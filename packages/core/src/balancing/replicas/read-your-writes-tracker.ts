import type { Scope } from '../../pipeline/scope.ts'
import type {
  AnnouncedWrite,
  PrefetchState,
  TransactionWrites,
  WriteIntent,
  WriteOutcome,
  WriteTracker,
} from '../../pipeline/writes.ts'
import type { WriteEffect } from '../../schema/catalog.ts'
import type { TableId } from '../../schema/catalog-data.ts'
import type { RequiredPositions } from './required-positions.ts'

/** Receives writes of this process and of others. */
export interface FollowedWrites extends WriteTracker {
  invalidate(effect: WriteEffect): Promise<void>
}

/**
 * Raises the required positions of reads with every write, then passes it on. They are raised first, because
 * cached results count as current from then on.
 */
export class ReadYourWritesTracker implements FollowedWrites {
  readonly isShared: boolean
  readonly prefetchState?: (tables: readonly TableId[]) => Promise<PrefetchState | undefined>

  constructor(
    private readonly inner: FollowedWrites,
    private readonly positions: RequiredPositions,
    private readonly scope: () => Scope | undefined,
  ) {
    this.isShared = inner.isShared
    if (inner.prefetchState !== undefined) this.prefetchState = inner.prefetchState.bind(inner)
  }

  begin(effect: WriteEffect): WriteIntent {
    const intent = this.inner.begin(effect)
    const scope = this.scope()
    return {
      end: (outcome) => {
        this.positions.ended(scope, outcome)
        intent.end(outcome)
      },
    }
  }

  hold(effect: WriteEffect): () => void {
    return this.inner.hold(effect)
  }

  announce(effect: WriteEffect): AnnouncedWrite {
    const announced = this.inner.announce(effect)
    const scope = this.scope()
    return {
      ready: announced.ready,
      end: (outcome) => {
        this.positions.ended(scope, outcome)
        return announced.end(outcome)
      },
    }
  }

  transaction(): TransactionWrites {
    return new ReadYourWritesTransaction(this.inner.transaction(), this.positions, this.scope)
  }

  stateOf(tables: readonly TableId[]): number | undefined {
    return this.inner.stateOf(tables)
  }

  invalidate(effect: WriteEffect): Promise<void> {
    this.positions.ended(this.scope(), 'committed')
    return this.inner.invalidate(effect)
  }
}

class ReadYourWritesTransaction implements TransactionWrites {
  readonly #scopes = new Set<Scope | undefined>()

  constructor(
    private readonly inner: TransactionWrites,
    private readonly positions: RequiredPositions,
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
    for (const scope of this.#scopes) this.positions.ended(scope, outcome)
    return this.inner.end(outcome)
  }
}
