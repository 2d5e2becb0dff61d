import type { Random } from '../../support/random.ts'

/** A statement on one row, or on all rows. */
export type OrderStatement =
  | { readonly kind: 'read' | 'add'; readonly key: number }
  | { readonly kind: 'write'; readonly key: number; readonly value: number }
  | { readonly kind: 'list' }

/** Statements on a separate connection. */
export interface Block {
  readonly kind: 'transaction' | 'reserve'
  readonly steps: readonly OrderStatement[]
  readonly rollsBack: boolean
}

interface OrderStep {
  readonly action: OrderStatement | Block
  /** Whether the program waits for its end. */
  readonly isAwaited: boolean
  /** The pause before the next step. */
  readonly pause: 'none' | 'microtasks' | 'tick'
}

/** A small program of calls that are mostly not awaited. */
export interface OrderProgram {
  readonly isScoped: boolean
  readonly steps: readonly OrderStep[]
}

export const KEYS: readonly number[] = [1, 2, 3]

/**
 * @param isConcurrent - Whether concurrent statements are executed in any order.
 * @param canRollBack - Whether a rollback undoes nothing but its transaction.
 */
export function randomProgram(
  random: Random,
  hasReservations: boolean,
  isConcurrent: boolean,
  canRollBack: boolean,
): OrderProgram {
  let value = 100
  const statement = (isInBlock: boolean): OrderStatement => {
    const kind = random.pick(
      isInBlock && isConcurrent
        ? (['write'] as const)
        : (['read', 'read', 'read', 'list', 'write', 'write', 'add'] as const),
    )
    if (kind === 'list') return { kind }
    const key = random.pick(KEYS)
    if (kind !== 'write') return { kind, key }
    value += 1
    return { kind, key, value }
  }
  const action = (): OrderStep['action'] => {
    if (!random.chance(0.2)) return statement(false)
    const kind = hasReservations && random.chance(0.5) ? 'reserve' : 'transaction'
    // Rows that several transactions lock in different orders would end in deadlocks.
    const length = isConcurrent ? 1 : 1 + random.below(3)
    const steps = Array.from({ length }, () => statement(true))
    return { kind, steps, rollsBack: canRollBack && kind === 'transaction' && random.chance(0.2) }
  }
  const steps = Array.from(
    { length: 2 + random.below(6) },
    (): OrderStep => ({
      action: action(),
      isAwaited: random.chance(0.2),
      pause: random.pick(['none', 'none', 'none', 'microtasks', 'tick'] as const),
    }),
  )
  return { isScoped: random.chance(0.6), steps }
}
