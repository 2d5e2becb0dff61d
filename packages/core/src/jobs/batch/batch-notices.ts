import { SluiceError } from '../../shared/errors.ts'
import { isInstance } from '../../shared/thrown.ts'
import { pause } from '../../shared/timers.ts'
import { isSuccess, postWebhook, webhookUrl } from '../../shared/webhook.ts'
import type { BatchRow, JobBackend } from '../backends/job-backend.ts'
import type { WebhookSettings } from '../job-options.ts'
import type { ProgressDetails } from '../task.ts'

const ATTEMPTS = 4
const TIMEOUT_MS = 10_000
const WAIT_MS = 1_000

/**
 * Reports the end of a batch job to a webhook.
 *
 * @param signal - Aborts the request.
 * @returns The failure; `undefined` after a successful response.
 */
async function callWebhook(
  webhook: string,
  details: ProgressDetails,
  settings: WebhookSettings,
  signal: AbortSignal,
): Promise<unknown> {
  const body = JSON.stringify({ event: 'batch:completed', ...details })
  let failure: unknown
  for (let attempt = 1; attempt <= ATTEMPTS && !signal.aborted; attempt += 1) {
    try {
      // A batch of an earlier version may have an address with credentials.
      const post = { ...settings, url: webhookUrl(webhook), body, id: details.batchId }
      const status = await postWebhook({
        ...post,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      })
      if (isSuccess(status)) return undefined
      failure = new Error(`The webhook responded with status ${status}. Expected 200 to 299.`)
    } catch (error) {
      failure = error
      if (isInstance(error, SluiceError)) break
    }
    if (attempt < ATTEMPTS) await pause(WAIT_MS * 2 ** (attempt - 1), signal)
  }
  return failure ?? signal.reason
}

/**
 * A batch job that ended earlier, and was not reported, belongs to a process that has ended, or to a webhook
 * that did not respond.
 */
const ABANDONED_MS = 60_000
const MAX_WAIT_MS = 3_600_000

/** Reports the ends of batch jobs to their webhooks: at least once, if tasks outlive the process. */
export class BatchNotices {
  readonly #closing = new AbortController()
  readonly #notifying = new Set<string>()
  /** Addresses that did not answer: how long is waited, and until when. */
  readonly #silent = new Map<string, { readonly waitMs: number; readonly until: number }>()

  constructor(
    private readonly backend: JobBackend,
    private readonly now: () => number,
    private readonly onError: (error: unknown) => void,
    private readonly settings: WebhookSettings,
  ) {}

  notify(batch: BatchRow, details: ProgressDetails): void {
    if (batch.webhook === null || this.#notifying.has(batch.id)) return
    this.#notifying.add(batch.id)
    this.#call(batch.webhook, details)
      .catch(this.onError)
      .finally(() => this.#notifying.delete(batch.id))
  }

  /** Reports those that were not reported in time. */
  resume(detailsOf: (batch: BatchRow) => ProgressDetails): void {
    const now = this.now()
    const all = async () => {
      const rows = await this.backend.unnotifiedBatches(now - ABANDONED_MS)
      const ids = new Set(rows.map(({ id }) => id))
      for (const id of this.#silent.keys()) if (!ids.has(id)) this.#silent.delete(id)
      for (const batch of rows)
        if (now >= (this.#silent.get(batch.id)?.until ?? 0)) this.notify(batch, detailsOf(batch))
    }
    all().catch(this.onError)
  }

  close(): void {
    this.#closing.abort()
  }

  async #call(url: string, details: ProgressDetails): Promise<void> {
    const { batchId } = details
    const failure = await callWebhook(url, details, this.settings, this.#closing.signal)
    if (failure === undefined) {
      this.#silent.delete(batchId)
      await this.backend.batchNotified(batchId)
    } else if (!this.#closing.signal.aborted) {
      const waitMs = Math.min(MAX_WAIT_MS, 2 * (this.#silent.get(batchId)?.waitMs ?? ABANDONED_MS / 2))
      this.#silent.set(batchId, { waitMs, until: this.now() + waitMs })
      this.onError(new Error(`The webhook of batch job ${batchId} failed.`, { cause: failure }))
    }
  }
}
