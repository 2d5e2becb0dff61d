import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Sluice } from '@sluice/core'
import { type DerivedValue, hostOf, joinedKey, type SluiceHost } from '@sluice/core/siblings'
import { BoundedMap } from './bounded-map.ts'
import {
  type CacheableRequest,
  type RequestFacts,
  requestKey,
  requestRefusal,
  varyKey,
} from './cacheable-request.ts'
import { isHeadSent } from './capture-response.ts'
import { Flights } from './flights.ts'
import { PendingResponse } from './pending-response.ts'
import { identityOf, personalHeader, UNLISTED } from './request-identity.ts'
import { type FrontCache, passageOf, setCachedRoute } from './response-cache-front.ts'
import {
  type ResolvedResponseCacheOptions,
  type ResponseCacheOptions,
  resolveResponseCacheOptions,
} from './response-cache-options.ts'
import { countersOf, type ResponseCacheCounters, type ResponseCacheStats } from './response-cache-stats.ts'
import { sendStored } from './send-stored.ts'
import { cacheControl, isStoredResponse, type StoredResponse, secondsOf } from './stored-response.ts'

const MAX_VARIED = 10_000
const NAMES: readonly string[] = []
const NO_SCOPE =
  'A response cache received a request outside any scope, and caches nothing. Register sluiceMiddleware() or sluicePlugin before it.'

/** Serves requests from cached responses, and caches responses. */
export interface ResponseCache {
  /**
   * Call it for each request in its scope, after all authorization, and before the code that creates the
   * response.
   *
   * @returns Whether the request was answered. If not, create the response as usual: the cache watches it
   * from now on. Never rejects.
   */
  answer(request: IncomingMessage, response: ServerResponse, facts?: RequestFacts): boolean | Promise<boolean>
  /** Statistics of all response caches of the Sluice. */
  getStats(): ResponseCacheStats
}

/**
 * Creates a response cache for `node:http`. For Express and Fastify, use their own packages. A response is
 * cached under the tags of every query that it was created from, and served as long as no write invalidates
 * one of them. It has the same guarantees as cached query results.
 *
 * @throws InvalidOptionError.
 * @example
 * ```ts
 * const scopes = new RequestScopes(sluice)
 * const cache = createResponseCache(sluice, { ttlMs: 60_000 })
 * createServer((request, response) => {
 *   scopes.open(response, `${request.method} ${request.url}`).enter(async () => {
 *     if (!(await cache.answer(request, response))) handle(request, response)
 *   })
 * })
 * ```
 */
export function createResponseCache(sluice: Sluice, options: ResponseCacheOptions = {}): ResponseCache {
  return new SluiceResponseCache(sluice, options)
}

class SluiceResponseCache implements ResponseCache, FrontCache {
  readonly #host: SluiceHost
  readonly #options: ResolvedResponseCacheOptions
  readonly #counters: ResponseCacheCounters
  readonly #flights: Flights
  /** Headers that the responses of a key have varied by so far. */
  readonly #varied = new BoundedMap<readonly string[]>(MAX_VARIED)

  constructor(sluice: Sluice, options: ResponseCacheOptions) {
    this.#host = hostOf(sluice)
    this.#options = resolveResponseCacheOptions(options, this.#host.derived?.defaultTtlMs ?? 0)
    this.#counters = countersOf(sluice)
    this.#flights = new Flights(() => this.#host.now())
  }

  answer(
    request: IncomingMessage,
    response: ServerResponse,
    facts: RequestFacts = {},
  ): boolean | Promise<boolean> {
    passageOf(response)?.pull()
    try {
      const cacheable = this.#cacheable(request, response, facts)
      if (typeof cacheable === 'string') {
        this.#counters.bypass(cacheable)
        const detail =
          cacheable === UNLISTED ? `${cacheable} ${personalHeader(request, this.#options)}` : cacheable
        if (cacheable !== 'observe') this.#setStatus(response, `fwd=bypass; detail="${detail}"`)
        return false
      }
      const answered = this.#answer(cacheable)
      return typeof answered === 'boolean'
        ? answered
        : answered.catch((error: unknown) => this.#failed(error, response))
    } catch (error) {
      return this.#failed(error, response)
    }
  }

  getStats(): ResponseCacheStats {
    return this.#counters.snapshot()
  }

  /** If the cache fails, the app handles the request. */
  #failed(error: unknown, response: ServerResponse): boolean {
    this.#host.reportError(error)
    return response.writableEnded
  }

  /** Returns the request, or the reason why the cache does not handle it. */
  #cacheable(
    request: IncomingMessage,
    response: ServerResponse,
    facts: RequestFacts,
  ): CacheableRequest | string {
    const { derived, scopes } = this.#host
    const options = this.#options
    if (request.method !== 'GET' && request.method !== 'HEAD') return 'method'
    if (derived === undefined) return 'off'
    const scope = scopes.current()
    if (scope === undefined || scope.ended) {
      this.#host.warn(NO_SCOPE, 'SLUICE_NO_SCOPE')
      return 'no scope'
    }
    if (scope.mode === 'observe') return 'observe'
    if (scope.basis !== undefined) return 'nested'
    if (scopes.ambient.isBypassing) return 'bypassed'
    const control = this.#control(request)
    if (typeof control === 'string') return control
    const keyed = requestKey(request, facts, options)
    if (keyed.key === undefined) return keyed.reason
    const context = derived.context()
    const base = this.#base(request, context, keyed.key)
    return {
      request,
      response,
      facts,
      scope,
      derived,
      context,
      target: keyed.key,
      base,
      key: this.#key(request, base),
      control,
    }
  }

  /** Returns the cache directives of a request, or the reason why the cache does not handle it. */
  #control(request: IncomingMessage): ReadonlyMap<string, string> | string {
    const refused = requestRefusal(request) ?? identityOf(request, this.#options)
    if (refused !== undefined) return refused
    const control = cacheControl(this.#options.requestCacheControl ? controlOf(request) : undefined)
    return control.has('no-store') ? 'no-store' : control
  }

  #base(request: IncomingMessage, context: string, target: string): string {
    return joinedKey(context, target) + varyKey(request, this.#options.vary)
  }

  #key(request: IncomingMessage, base: string): string {
    return base + varyKey(request, this.#varied.get(base) ?? NAMES)
  }

  findForFront(
    request: IncomingMessage,
    target: string,
    isLearned: (key: string) => boolean,
  ): DerivedValue<StoredResponse> | undefined {
    const { derived, scopes, isUniform } = this.#host
    const { scope, isBypassing } = scopes.ambient
    if (
      derived === undefined ||
      scope !== undefined ||
      isBypassing ||
      !isUniform ||
      this.#host.mode() !== 'optimize'
    )
      return undefined
    const control = this.#control(request)
    if (typeof control === 'string' || requiresReload(control)) return undefined
    const key = this.#key(request, this.#base(request, derived.context(), target))
    const found = isLearned(key) ? derived.findHere<StoredResponse>(key) : undefined
    return found !== undefined && isAcceptable(found, control) ? found : undefined
  }

  sendForFront(
    request: IncomingMessage,
    response: ServerResponse,
    found: DerivedValue<StoredResponse>,
    headers: readonly string[],
  ): void {
    this.#counters.hits += 1
    this.#sendStored(request, response, found, hitStatus(found), headers, true)
  }

  #answer(cacheable: CacheableRequest): boolean | Promise<boolean> {
    const { scope, control } = cacheable
    if (scope.mode === 'shadow') return this.#shadow(cacheable)
    if (requiresReload(control)) return this.#make(cacheable, 'request', undefined)
    const found = this.#find(cacheable)
    if (found instanceof Promise) return found.then((one) => this.#answerWith(cacheable, one))
    return this.#answerWith(cacheable, found)
  }

  #answerWith(
    cacheable: CacheableRequest,
    found: DerivedValue<StoredResponse> | undefined,
  ): boolean | Promise<boolean> {
    if (cacheable.response.closed) return true
    if (found !== undefined && isAcceptable(found, cacheable.control)) {
      this.#counters.hits += 1
      return this.#send(cacheable, found, hitStatus(found))
    }
    if (cacheable.control.has('only-if-cached')) return this.#refuseOnlyIfCached(cacheable)
    const flight = cacheable.request.method === 'GET' ? this.#flights.of(cacheable.key) : undefined
    if (flight === undefined || this.#options.maxWaitMs === 0)
      return this.#make(cacheable, found === undefined ? 'uri-miss' : 'request', undefined)
    return this.#join(cacheable, flight)
  }

  /**
   * Waits for a request in flight. If its response is not cached, one of the waiting requests creates the
   * next response, and the others wait for that one.
   */
  async #join(cacheable: CacheableRequest, first: Promise<void>): Promise<boolean> {
    const until = this.#host.now() + this.#options.maxWaitMs
    for (let flight: Promise<void> | undefined = first; flight !== undefined; ) {
      await this.#flights.wait(flight, until - this.#host.now(), cacheable.response)
      if (cacheable.response.closed) return true
      // The response is valid now, so it is no older than a response that is created from now on.
      const found = await this.#find(cacheable)
      if (found !== undefined && isAcceptable(found, cacheable.control)) {
        this.#counters.coalesced += 1
        return this.#send(cacheable, found, 'fwd=uri-miss; collapsed')
      }
      flight = this.#host.now() < until ? this.#flights.of(cacheable.key) : undefined
    }
    return this.#make(cacheable, 'uri-miss', undefined)
  }

  #find({
    derived,
    key,
  }: CacheableRequest):
    | DerivedValue<StoredResponse>
    | undefined
    | Promise<DerivedValue<StoredResponse> | undefined> {
    return derived.find<StoredResponse>(key, this.#sharedKey(key), (value) =>
      isStoredResponse(value, this.#options),
    )
  }

  #sharedKey(key: string): string | undefined {
    const { shared, version } = this.#options
    return shared ? `response\n${joinedKey(version, key)}` : undefined
  }

  #send(
    { request, response, facts, target, key }: CacheableRequest,
    found: DerivedValue<StoredResponse>,
    status: string,
  ): boolean {
    facts.beforeSend?.()
    if (found.value.route !== undefined) setCachedRoute(response, found.value.route)
    if (this.#options.key === undefined)
      passageOf(response)?.sends(this, {
        request,
        response,
        url: facts.url,
        target,
        key,
        stored: found.value,
      })
    this.#sendStored(request, response, found, status, NAMES, false)
    return true
  }

  #sendStored(
    request: IncomingMessage,
    response: ServerResponse,
    { value, ageMs }: DerivedValue<StoredResponse>,
    status: string,
    headers: readonly string[],
    isUnobserved: boolean,
  ): void {
    const own = this.#options.cacheStatus ? [...headers, 'Cache-Status', `Sluice; ${status}`] : headers
    if (sendStored(request, response, value, ageMs, own, isUnobserved)) this.#counters.notModified += 1
  }

  #refuseOnlyIfCached({ response, facts }: CacheableRequest): boolean {
    facts.beforeSend?.()
    this.#counters.bypass('only-if-cached')
    this.#setStatus(response, 'fwd=miss; fwd-status=504; detail="only-if-cached"')
    response.statusCode = 504
    response.end()
    return true
  }

  async #shadow(cacheable: CacheableRequest): Promise<boolean> {
    return this.#make(cacheable, 'bypass', await this.#find(cacheable))
  }

  /** Lets the app create the response, and watches it. */
  #make(
    cacheable: CacheableRequest,
    why: string,
    cached: DerivedValue<StoredResponse> | undefined,
  ): boolean | Promise<boolean> {
    const { request, scope, derived, context, key } = cacheable
    this.#counters.misses += 1
    if (request.method === 'HEAD') {
      this.#setStatus(cacheable.response, `fwd=${why}; detail="HEAD"`)
      return false
    }
    const { tables, tags } = this.#options
    const basis = derived.begin(context)
    const land = scope.mode === 'shadow' ? undefined : this.#flights.begin(key)
    const isPassed = this.#flights.isPassed(key)
    const pending = new PendingResponse(cacheable, this.#options, basis, why, {
      ...this.#parts,
      land,
      cached,
      isPassed,
    })
    const begin = () => {
      scope.basis = basis
      pending.watch()
      return false
    }
    if (tables.length === 0 && tags.length === 0) return begin()
    return derived.depend(basis, tables, tags).then(begin, (error: unknown) => {
      this.#host.reportError(error)
      basis.spoil('UNKNOWN_TABLES')
      return begin()
    })
  }

  readonly #parts = {
    setStatus: (response: ServerResponse, status: string): void => this.#setStatus(response, status),
    sharedKey: (key: string): string | undefined => this.#sharedKey(key),
    variedBy: (base: string, names: readonly string[]): readonly string[] => {
      const known = this.#varied.get(base) ?? NAMES
      const all = names.every((name) => known.includes(name))
        ? known
        : [...new Set([...known, ...names])].sort()
      if (all !== known) this.#varied.set(base, all)
      return all
    },
    counters: (): ResponseCacheCounters => this.#counters,
    host: (): SluiceHost => this.#host,
  }

  #setStatus(response: ServerResponse, status: string): void {
    if (this.#options.cacheStatus && !isHeadSent(response))
      response.setHeader('Cache-Status', `Sluice; ${status}`)
  }
}

function hitStatus({ remainingMs }: DerivedValue<unknown>): string {
  return `hit; ttl=${Math.max(0, Math.floor(remainingMs / 1_000))}`
}

/** Whether the client accepts no cached response. */
function requiresReload(control: ReadonlyMap<string, string>): boolean {
  return control.has('no-cache') || secondsOf(control, 'max-age') === 0
}

function controlOf({ headers }: IncomingMessage): string | undefined {
  const { pragma } = headers
  // Source: RFC 9111, section 5.4.
  return headers['cache-control'] ?? (pragma?.toLowerCase() === 'no-cache' ? 'no-cache' : undefined)
}

/** Whether a cached response meets the age and freshness that the client requires. */
function isAcceptable(
  { ageMs, remainingMs }: DerivedValue<unknown>,
  control: ReadonlyMap<string, string>,
): boolean {
  const maxAgeMs = secondsOf(control, 'max-age')
  const minFreshMs = secondsOf(control, 'min-fresh')
  return (
    (maxAgeMs === undefined || ageMs <= maxAgeMs) && (minFreshMs === undefined || remainingMs >= minFreshMs)
  )
}
