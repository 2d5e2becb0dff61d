import type { IncomingMessage } from 'node:http'
import { clientNetwork } from '@sluice/core/siblings'
import type { RateLimitOptions, ShedOptions } from './admission-options.ts'
import { LoadShedder } from './create-load-shedding.ts'
import { RateLimiter } from './rate-limit.ts'

interface AdmissionOptions {
  readonly rateLimit: RateLimitOptions | undefined
  readonly shed: Required<ShedOptions> | undefined
  readonly maxConcurrentPerClient: number
}

/** Whether a request is admitted. */
export type Verdict =
  | { readonly status: undefined; readonly release: () => void }
  | { readonly status: 429 | 503; readonly retryAfterSeconds: number }

const SHED: Verdict = { status: 503, retryAfterSeconds: 1 }
const TOO_MANY: Verdict = { status: 429, retryAfterSeconds: 1 }

/** Rejects excess requests before any work is done for them. */
export class Admission {
  readonly #shedder: LoadShedder | undefined
  readonly #concurrent: ClientCounts | undefined
  readonly #limiter: RateLimiter | undefined

  constructor({ rateLimit, shed, maxConcurrentPerClient }: AdmissionOptions, now: () => number) {
    this.#shedder = shed && new LoadShedder(shed.maxEventLoopDelayMs, now)
    this.#concurrent =
      maxConcurrentPerClient === Number.POSITIVE_INFINITY
        ? undefined
        : new ClientCounts(maxConcurrentPerClient)
    this.#limiter = rateLimit && new RateLimiter(rateLimit, now)
  }

  /**
   * Call `release` of an admitted request when it has ended. Returns synchronously if there is no rate limit.
   */
  admit(request: IncomingMessage, clientIp: string): Verdict | Promise<Verdict> {
    if (this.#shedder?.sheds() === true) return SHED
    const release = this.#concurrent === undefined ? none : this.#concurrent.take(clientNetwork(clientIp))
    if (release === undefined) return TOO_MANY
    if (this.#limiter === undefined) return { status: undefined, release }
    return limited(this.#limiter, request, clientIp, release)
  }

  close(): void {
    this.#shedder?.close()
  }
}

async function limited(
  limiter: RateLimiter,
  request: IncomingMessage,
  clientIp: string,
  release: () => void,
): Promise<Verdict> {
  const { retryAfterSeconds = 0 } = (await limiter.count(request, clientIp)) ?? {}
  if (retryAfterSeconds === 0) return { status: undefined, release }
  release()
  return { status: 429, retryAfterSeconds }
}

function none(): void {}

/** Counts what each client has in flight. */
export class ClientCounts {
  readonly #counts = new Map<string, number>()

  constructor(private readonly max: number) {}

  /**
   * @returns A function that releases the count, at most once; `undefined` if the client has reached the
   * limit.
   */
  take(client: string): (() => void) | undefined {
    const count = this.#counts.get(client) ?? 0
    if (count >= this.max) return undefined
    this.#counts.set(client, count + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#counts.get(client) ?? 1) - 1
      if (left === 0) this.#counts.delete(client)
      else this.#counts.set(client, left)
    }
  }
}
