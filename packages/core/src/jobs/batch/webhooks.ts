import { pause } from '../../shared/timers.ts'
import type { ProgressDetails } from './batch-job.ts'

const ATTEMPTS = 4
const TIMEOUT_MS = 10_000
const WAIT_MS = 1_000

/**
 * Tells an address that a batch is over.
 *
 * @param signal - Gives up.
 * @returns Whether it answered well.
 */
export async function callWebhook(url: string, details: ProgressDetails, signal: AbortSignal): Promise<boolean> {
  const body = JSON.stringify({ event: 'batch:completed', ...details })
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (signal.aborted) return false
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': details.batchId },
        body,
        redirect: 'error',
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      await response.body?.cancel()
      if (response.ok) return true
    } catch {
      // It is tried again.
    }
    if (attempt < ATTEMPTS) await pause(WAIT_MS * 2 ** (attempt - 1), signal)
  }
  return false
}
