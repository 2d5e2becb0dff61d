import type { IncomingMessage } from 'node:http'
import type { RateLimitOptions, ShedOptions } from './admission-options.ts'
import { ClientCounts } from './client-counts.ts'
import { clientKey } from './client-key.ts'
import { LoadShedder } from './load-shedder.ts'
import { RateLimiter } from './rate-limiter.ts'

export interface AdmissionOptions {
  readonly rateLimit: RateLimitOptions | undefined
  readonly shed: Required<ShedOptions> | undefined
  readonly maxConcurrentPerClient: number
}

/** Whether a request is let in. */
export type Verdict =
  | { readonly status: undefined; readonly release: () => void }
  | { readonly status: 429 | 503; readonly retryAfterSeconds: number }

const SHED: Verdict = { status: 503, retryAfterSeconds: 1 }
const TOO_MANY: Verdict = { status: 429, retryAfterSeconds: 1 }

/** Keeps requests out that are too many, before anything is done for them. */
export class Admission {
  readonly #shedder: LoadShedder | undefined
  readonly #concurrent: ClientCounts | undefined
  readonly #limiter: RateLimiter | undefined
  #isOutageTold = false

  constructor(
    private readonly options: AdmissionOptions,
    now: () => number,
  ) {
    const { rateLimit, shed, maxConcurrentPerClient } = options
    this.#shedder = shed && new LoadShedder(shed.maxEventLoopDelayMs, now)
    this.#concurrent = maxConcurrentPerClient === Number.POSITIVE_INFINITY ? undefined : new ClientCounts(maxConcurrentPerClient)
    this.#limiter = rateLimit && new RateLimiter(rateLimit, now, (error) => this.#outage(error))
  }

  /** `release` of what it lets in is to be called when that has ended. It answers at once where requests are not counted over time. */
  admit(request: IncomingMessage, clientIp: string): Verdict | Promise<Verdict> {
    if (this.#shedder?.sheds() === true) return SHED
    const release = this.#concurrent === undefined ? none : this.#concurrent.take(clientKey(clientIp))
    if (release === undefined) return TOO_MANY
    if (this.#limiter === undefined) return { status: undefined, release }
    return this.#limited(this.#limiter, request, clientIp, release)
  }

  close(): void {
    this.#shedder?.close()
  }

  async #limited(limiter: RateLimiter, request: IncomingMessage, clientIp: string, release: () => void): Promise<Verdict> {
    try {
      const { key } = this.options.rateLimit ?? {}
      const client = key === undefined ? clientKey(clientIp) : key(request, clientIp)
      const seconds = client === undefined ? 0 : await limiter.take(client)
      if (seconds === 0) return { status: undefined, release }
      release()
      return { status: 429, retryAfterSeconds: seconds }
    } catch (error) {
      // A limit that cannot be worked out keeps nobody out.
      this.#outage(error)
      return { status: undefined, release }
    }
  }

  #outage(error: unknown): void {
    if (this.#isOutageTold) return
    this.#isOutageTold = true
    const reason = error instanceof Error ? error.message : String(error)
    process.emitWarning(`A rate limit could not be asked for, and is not kept as it should be: ${reason}`, { type: 'SluiceWarning' })
  }
}

function none(): void {}
