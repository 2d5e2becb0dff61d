import type { BatchRow, JobBackend } from '../backends/job-backend.ts'
import type { ProgressDetails } from './batch-job.ts'
import { callWebhook } from './webhooks.ts'

/** What is over for longer, and whose address was not told, was another process's affair, which has ended. */
const ABANDONED_MS = 60_000

/** Tells the addresses of batches that they are over: at least once, where tasks are kept for longer than the process. */
export class BatchNotices {
  readonly #closing = new AbortController()

  constructor(
    private readonly backend: JobBackend,
    private readonly onError: (error: unknown) => void,
  ) {}

  tell(batch: BatchRow, details: ProgressDetails): void {
    if (batch.webhook === null) return
    this.#tell(batch.webhook, details).catch(this.onError)
  }

  /** What a process that ended has left. */
  resume(detailsOf: (batch: BatchRow) => ProgressDetails, now: number): void {
    const all = async () => {
      for (const batch of await this.backend.unnotifiedBatches(now - ABANDONED_MS)) this.tell(batch, detailsOf(batch))
    }
    all().catch(this.onError)
  }

  close(): void {
    this.#closing.abort()
  }

  async #tell(url: string, details: ProgressDetails): Promise<void> {
    if (await callWebhook(url, details, this.#closing.signal)) await this.backend.batchNotified(details.batchId)
    else if (!this.#closing.signal.aborted) this.onError(new Error(`The webhook of batch ${details.batchId} did not answer.`))
  }
}
