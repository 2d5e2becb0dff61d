import type { ServerResponse } from 'node:http'
import type { DerivedValue, ReadBasis, SluiceHost } from '@sluice/core/siblings'
import { type CacheableRequest, varyKey } from './cacheable-request.ts'
import { captureResponse } from './capture-response.ts'
import type { ResolvedResponseCacheOptions } from './response-cache-options.ts'
import type { ResponseCacheCounters } from './response-cache-stats.ts'
import { becomeNotModified, type Conditions, conditionsOf, entityTag, isNotModified } from './send-stored.ts'
import {
  freshForMs,
  headerText,
  isStoredResponse,
  PASSING_REASONS,
  type ResponseReason,
  responseRefusal,
  type StoredResponse,
  storedResponse,
  varyOf,
} from './stored-response.ts'

/** The entry to cache once the head is written. */
interface Prepared {
  readonly stored: StoredResponse
  readonly vary: readonly string[]
  readonly ttlMs: number
}

export interface PendingResponseParts {
  setStatus(response: ServerResponse, status: string): void
  sharedKey(key: string): string | undefined
  /** Records the headers that a response varies by. Returns all that are known for its key. */
  variedBy(base: string, names: readonly string[]): readonly string[]
  counters(): ResponseCacheCounters
  host(): SluiceHost
  /** Notifies the waiting requests; `undefined`: no request waits for this response. */
  readonly land: ((willNeverBe: boolean) => void) | undefined
  /** Whether the response will probably not be cacheable. */
  readonly isPassed: boolean
  /** In shadow mode: the cached response that would have been served. */
  readonly cached: DerivedValue<StoredResponse> | undefined
}

/** A response that the app creates. */
export class PendingResponse {
  readonly #conditions: Conditions
  readonly #requestsAll: boolean
  #prepared: Prepared | undefined
  #isNotModified = false
  #isCounted = false

  constructor(
    private readonly cacheable: CacheableRequest,
    private readonly options: ResolvedResponseCacheOptions,
    private readonly basis: ReadBasis,
    private readonly why: string,
    private readonly parts: PendingResponseParts,
  ) {
    this.#conditions = conditionsOf(cacheable.request.headers)
    this.#requestsAll = cacheable.scope.mode !== 'shadow' && !parts.isPassed
  }

  watch(): void {
    const { request, response } = this.cacheable
    if (this.#requestsAll) {
      // The app must create the whole response, so that it can be cached. `#isWanted` determines whether this
      // client already has it.
      delete request.headers['if-none-match']
      delete request.headers['if-modified-since']
    }
    captureResponse(response, this.options.maxBodyBytes, {
      whole: (body) => this.#guard(() => this.#whole(body), true),
      sent: () => this.#guard(() => this.#finish(), undefined),
      ended: (body) => this.#guard(() => this.#end(body), undefined),
      cut: () => this.#leave('CONNECTION_CLOSED'),
    })
  }

  #guard<T>(work: () => T, otherwise: T): T {
    try {
      return work()
    } catch (error) {
      this.parts.host().reportError(error)
      this.#leave('ERROR')
      return otherwise
    }
  }

  #whole(body: Buffer | undefined): boolean {
    const { response } = this.cacheable
    const against = body === undefined ? 'TOO_LARGE' : responseRefusal(response, this.options)
    if (against !== undefined || body === undefined) this.#report(against ?? 'TOO_LARGE')
    else {
      // Shadow mode does not change the response.
      if (!response.hasHeader('etag') && !this.#isShadow) response.setHeader('ETag', entityTag(body))
      this.#report(this.#prepare(body))
    }
    return this.#isUsable()
  }

  /** Whether to send the body. */
  #isUsable(): boolean {
    const { response } = this.cacheable
    if (!this.#requestsAll || response.statusCode !== 200) return true
    if (!isNotModified(this.#conditions, headerText(response, 'etag'), headerText(response, 'last-modified')))
      return true
    becomeNotModified(response)
    this.#isNotModified = true
    this.parts.counters().notModified += 1
    return false
  }

  #end(body: Buffer | undefined): void {
    const against = body === undefined ? 'TOO_LARGE' : responseRefusal(this.cacheable.response, this.options)
    const reason = against ?? (body === undefined ? undefined : this.#prepare(body))
    if (reason === undefined) this.#finish()
    else this.#count(reason)
  }

  /** @returns The reason why the response is not cached, as far as it is known before its head is written. */
  #prepare(body: Buffer): string | undefined {
    const { response, scope, facts } = this.cacheable
    const ttlMs = freshForMs(response, this.options.ttlMs, Date.now())
    if (ttlMs <= 0) return 'CACHE_CONTROL'
    const against = this.#isShadow ? undefined : this.basis.obstacle()
    if (against !== undefined) return against
    const stored = storedResponse(
      response,
      body,
      headerText(response, 'etag') ?? entityTag(body),
      this.options,
      scope.requestId,
      facts.route?.(),
    )
    this.#prepared = { stored, vary: varyOf(response), ttlMs }
    return undefined
  }

  /**
   * Caches the prepared response once the head is written: no request is served from it before, in any
   * process.
   */
  #finish(): void {
    const prepared = this.#prepared
    if (prepared === undefined) return
    this.#prepared = undefined
    if (!this.#isShadow) this.#count(this.#keep(prepared))
    // The optimized reads may take longer than those that the response was created from.
    else void this.basis.settled().then(() => this.#guard(() => this.#compare(prepared), undefined))
  }

  #keep(prepared: Prepared): string | undefined {
    const { stored, vary, ttlMs } = prepared
    const { derived, request, base } = this.cacheable
    const against = this.#lateRefusal(prepared)
    if (against !== undefined) return against
    const key = base + varyKey(request, this.parts.variedBy(base, vary))
    return derived.keep({ key, sharedKey: this.parts.sharedKey(key), ttlMs }, stored, this.basis)
  }

  /** A middleware may have added headers when the head was written, such as a session cookie. */
  #lateRefusal({ stored, vary }: Prepared): ResponseReason | undefined {
    const { response } = this.cacheable
    const status = this.#isNotModified ? stored.status : response.statusCode
    return (
      responseRefusal(response, this.options, status) ??
      (varyOf(response).every((name) => vary.includes(name)) ? undefined : 'VARY')
    )
  }

  async #compare(prepared: Prepared): Promise<void> {
    const { derived, key, scope } = this.cacheable
    const { cached: previous } = this.parts
    const { stored } = prepared
    const counters = this.parts.counters()
    const accepts = (value: unknown) => isStoredResponse(value, this.options)
    const still = previous && (await derived.find<StoredResponse>(key, this.parts.sharedKey(key), accepts))
    // A concurrent write may be included in one of the two responses but not in the other.
    if (previous !== undefined && still?.value.body === previous.value.body) {
      counters.shadowed += 1
      const isStatus = previous.value.status !== stored.status
      if (isStatus || !Buffer.from(previous.value.body).equals(stored.body)) {
        counters.shadowDifferences += 1
        const [cachedBytes, newBytes] = [previous.value.body.length, stored.body.length]
        const differs = isStatus ? 'status' : 'body'
        this.parts.host().differs({
          scope: scope.name,
          requestId: scope.requestId,
          differs,
          cachedBytes,
          newBytes,
          ageMs: previous.ageMs,
        })
      }
    }
    this.#count(this.#keep(prepared))
  }

  get #isShadow(): boolean {
    return this.cacheable.scope.mode === 'shadow'
  }

  /**
   * Reports the status to the client if the head is not sent yet, and counts what is certain.
   *
   * @param reason - `undefined`: the response will be cached.
   */
  #report(reason: string | undefined): void {
    if (reason !== undefined) this.#count(reason)
    const status = reason === undefined ? 'stored' : `detail="${reason.replace(/[^ -~]|["\\]/g, '')}"`
    if (!this.#isShadow) this.parts.setStatus(this.cacheable.response, `fwd=${this.why}; ${status}`)
  }

  #leave(reason: string): void {
    this.#prepared = undefined
    this.basis.abandon()
    this.#count(reason)
  }

  /** @param reason - `undefined`: the response is cached. */
  #count(reason: string | undefined): void {
    if (this.#isCounted) return
    this.#isCounted = true
    this.basis.abandon()
    const counters = this.parts.counters()
    if (reason === undefined) counters.stored += 1
    else counters.leave(reason)
    this.parts.land?.(reason !== undefined && !PASSING_REASONS.has(reason))
  }
}
