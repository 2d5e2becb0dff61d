import { setTimeout as sleep } from 'node:timers/promises'
import { errorMessage } from '@sluice/core/siblings'
import { type DashboardClient, DashboardError } from './dashboard-client.ts'
import { type LiveDelta, type LiveSnapshot, ProtocolError, readDelta, readSnapshot } from './protocol.ts'

/** An event of a followed dashboard. */
export type FollowEvent =
  | { readonly kind: 'snapshot'; readonly snapshot: LiveSnapshot }
  | { readonly kind: 'delta'; readonly delta: LiveDelta }
  /** The stream is open again. */
  | { readonly kind: 'back' }
  /** The stream broke and is reopened after `waitMs`. */
  | { readonly kind: 'lost'; readonly why: string; readonly waitMs: number; readonly attempt: number }

export interface FollowOptions {
  readonly signal: AbortSignal
  /** Replaces the timer in tests. Resolves after `ms`, or when the signal is aborted. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>
}

const WAITS_MS = [1_000, 2_000, 4_000, 8_000, 15_000] as const

/**
 * Follows a dashboard until the signal is aborted. If the stream breaks, reopens it and resumes after the
 * last event, if the dashboard still has the later ones.
 *
 * @throws DashboardError if the first connection fails, or a retry cannot succeed.
 */
export async function* followDashboard(
  client: DashboardClient,
  { signal, pause = pauseFor }: FollowOptions,
): AsyncGenerator<FollowEvent> {
  let lastId = ''
  let hasSnapshot = false
  let attempt = 0
  while (!signal.aborted) {
    let why = 'the app closed the stream'
    try {
      for await (const { event, id, data } of client.events('api/stream', lastId, signal)) {
        if (event === 'open') {
          if (attempt > 0) yield { kind: 'back' }
          attempt = 0
          continue
        }
        const read = eventOf(event, data, client)
        if (read === undefined) continue
        hasSnapshot ||= read.kind === 'snapshot'
        // A delta is meaningless without a snapshot.
        if (!hasSnapshot) continue
        lastId = id
        yield read
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof DashboardError) || error.isFinal || !hasSnapshot) throw error
      why = errorMessage(error.cause instanceof Error ? error.cause : error)
    }
    if (signal.aborted) return
    const waitMs = WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)] ?? 0
    attempt += 1
    yield { kind: 'lost', why, waitMs, attempt }
    await pause(waitMs, signal)
  }
}

function eventOf(event: string, data: string, client: DashboardClient): FollowEvent | undefined {
  if (event !== 'snapshot' && event !== 'delta') return undefined
  try {
    const json = JSON.parse(data) as unknown
    return event === 'snapshot'
      ? { kind: 'snapshot', snapshot: readSnapshot(json) }
      : { kind: 'delta', delta: readDelta(json) }
  } catch (error) {
    if (!(error instanceof ProtocolError) && !(error instanceof SyntaxError)) throw error
    throw new DashboardError(client.address, error, true)
  }
}

/** Resolves early if the signal is aborted. */
async function pauseFor(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
