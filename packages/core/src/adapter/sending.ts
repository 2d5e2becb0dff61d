const SENDING = Symbol.for('sluice.sending')

interface Shared {
  [SENDING]?: { depth: number }
}

const shared = globalThis as Shared
shared[SENDING] ??= { depth: 0 }

/** Shared by all copies of this package in the process. */
const state = shared[SENDING]

/**
 * Sends what Sluice already sees. As long as `send` runs, without what it awaits, drivers that are observed
 * themselves pass everything through, so that no statement is seen twice.
 */
export function sending<T>(sent: { send(): T }): T {
  beginSending()
  try {
    return sent.send()
  } finally {
    endSending()
  }
}

/** For code that already has a `finally`, in which it calls `endSending`. */
export function beginSending(): void {
  state.depth += 1
}

export function endSending(): void {
  state.depth -= 1
}

/** Whether Sluice already sees what is sent now. */
export function isSending(): boolean {
  return state.depth > 0
}
