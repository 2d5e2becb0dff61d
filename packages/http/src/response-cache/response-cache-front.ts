import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { InvalidArgumentError, type ScopeHandle, type Sluice } from '@sluice/core'
import { type DerivedValue, hostOf } from '@sluice/core/siblings'
import { isPlainResponse } from '../small-responses.ts'
import { BoundedMap } from './bounded-map.ts'
import { rawTarget } from './cacheable-request.ts'
import type { StoredResponse } from './stored-response.ts'

const MAX_LESSONS = 10_000
const NO_HEADERS: readonly string[] = []

/**
 * Serves requests from cached responses before they reach the app: none of its middleware runs for them, such
 * as middleware that checks addresses, writes logs or announces maintenance. The front learns a target when
 * the app's response cache serves it, and passes a request on unless it is certain that the response cache
 * would send the same response from memory.
 *
 * @param sluice - The Sluice of the app's response cache.
 * @param handler - The app: Express, the handler that Fastify passes to `serverFactory`, or any other.
 * @throws InvalidArgumentError.
 * @example
 * ```ts
 * createServer(responseCacheFront(sluice, app)).listen(3000)
 * ```
 */
export function responseCacheFront(sluice: Sluice, handler: RequestListener): RequestListener {
  const host = hostOf(sluice)
  if (typeof handler !== 'function')
    throw new InvalidArgumentError('handler', 'a function that handles requests', handler)
  const lessons = new BoundedMap<Lesson>(MAX_LESSONS)
  // The app may have changed headers of a request: the key shows whether that made a difference.
  const keys = new BoundedMap<true>(MAX_LESSONS)
  const isLearned = (key: string) => keys.get(key) === true
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return handler(request, response)
    const requested = rawTarget(request)
    const lesson = lessons.get(requested)
    try {
      if (lesson !== undefined && answers(lesson, request, response, isLearned)) return
    } catch (error) {
      host.reportError(error)
      if (response.headersSent) return
    }
    new Passage(request, response, (learned, key) => {
      lessons.set(requested, learned)
      keys.set(key, true)
    })
    return handler(request, response)
  }
}

/** @returns Whether the request was answered. */
function answers(
  { cache, target, scopes, ids, name, status }: Lesson,
  request: IncomingMessage,
  response: ServerResponse,
  isLearned: (key: string) => boolean,
): boolean {
  const found = cache.findForFront(request, target, isLearned)
  if (found === undefined || found.value.status !== status) return false
  const scope = scopes.open(response, name)
  if (ids === undefined) {
    cache.sendForFront(request, response, found, NO_HEADERS)
    return true
  }
  const id = ids.newFor(request)
  scope.requestId = id
  cache.sendForFront(request, response, found, [ids.header, id])
  return true
}

/** The methods of a response cache that a front calls for requests that the app does not see. */
export interface FrontCache {
  /**
   * The response that `answer` would send to a request, if that is certain and it is in memory.
   *
   * @param target - The key of an equal request, without the headers that its response varies by.
   * @param isLearned - Whether the app was seen to answer from the cache by a key.
   */
  findForFront(
    request: IncomingMessage,
    target: string,
    isLearned: (key: string) => boolean,
  ): DerivedValue<StoredResponse> | undefined
  /**
   * Sends the response.
   *
   * @param headers - Headers that come first: a flat array of names and values.
   */
  sendForFront(
    request: IncomingMessage,
    response: ServerResponse,
    found: DerivedValue<StoredResponse>,
    headers: readonly string[],
  ): void
}

/** The methods of `RequestScopes` that a front needs. */
interface Scopes {
  open(response: ServerResponse, name: string): ScopeHandle
}

/** The members of `RequestIds` that a front needs. */
interface Ids {
  readonly header: string
  newFor(request: IncomingMessage): string
}

/** How the app answers one target from its response cache. */
interface Lesson {
  readonly cache: FrontCache
  readonly target: string
  readonly scopes: Scopes
  /** The name of the request's scope. */
  readonly name: string
  /** The status of the response, on which the name may depend. */
  readonly status: number
  /** `undefined`: requests get no id. */
  readonly ids: Ids | undefined
}

/** A cached response that is about to be sent. */
interface Sending {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The URL that the cache used. Default: that of the request. */
  readonly url: string | undefined
  readonly target: string
  readonly key: string
  readonly stored: StoredResponse
}

const PASSAGE = Symbol('sluice.passage')
/** Whether the process has a front. Without one, no request needs the search for its passage. */
let isUsed = false

type Passing = ServerResponse & { [PASSAGE]?: Passage }

/** The passage of a response; `undefined`: no front passed its request on. */
export function passageOf(response: ServerResponse): Passage | undefined {
  return isUsed ? (response as Passing)[PASSAGE] : undefined
}

/**
 * Watches a request on its way through the app. A front learns from it only if the app did nothing that a
 * front does not do.
 */
class Passage {
  readonly #url: string | undefined
  readonly #writeHead: unknown
  readonly #isKeepAlive: boolean
  #scopes: Scopes | undefined
  #ids: Ids | undefined
  #pulls = 0
  #hit: (Pick<Lesson, 'cache' | 'target' | 'status'> & { readonly key: string }) | undefined
  #isSpoiled = false

  /** @param learn - Receives what was learned when the response is closed. */
  constructor(
    { url }: IncomingMessage,
    response: ServerResponse,
    private readonly learn: (lesson: Lesson, key: string) => void,
  ) {
    isUsed = true
    this.#url = url
    this.#writeHead = response.writeHead
    this.#isKeepAlive = response.shouldKeepAlive
    ;(response as Passing)[PASSAGE] = this
  }

  /** Its scope was opened. */
  scoped(scopes: Scopes): void {
    if (this.#scopes !== undefined) this.#isSpoiled = true
    this.#scopes = scopes
  }

  /**
   * The request received an id.
   *
   * @param isOwn - Whether no code of the app affected the id.
   */
  identified(ids: Ids, isOwn: boolean): void {
    if (!isOwn) this.#isSpoiled = true
    this.#ids = ids
  }

  /** A response cache handles the request. */
  pull(): void {
    this.#pulls += 1
  }

  /** A response cache sends a cached response. */
  sends(cache: FrontCache, { request, response, url = request.url, target, key, stored }: Sending): void {
    // If the app has several caches, a different cache may answer the next request.
    if (this.#pulls > 1 || url !== this.#url || this.#isChanged(response, stored)) return
    this.#hit = { cache, target, key, status: stored.status }
  }

  /** Its response was closed. */
  closed(name: string): void {
    if (this.#isSpoiled || this.#hit === undefined || this.#scopes === undefined) return
    const { cache, target, key, status } = this.#hit
    this.learn({ cache, target, status, scopes: this.#scopes, ids: this.#ids, name }, key)
  }

  /** Whether the app has added anything to a response that is not part of the cached one. */
  #isChanged(response: ServerResponse, stored: StoredResponse): boolean {
    if (!isPlainResponse(response) || response.writeHead !== this.#writeHead) return true
    if (response.statusMessage || !response.sendDate || response.shouldKeepAlive !== this.#isKeepAlive)
      return true
    const storedNames = new Set(stored.headers.map(([name]) => name.toLowerCase()))
    const id = this.#ids?.header
    if (id !== undefined && storedNames.has(id)) return true
    return response.getHeaderNames().some((name) => name !== id && !storedNames.has(name))
  }
}

const ROUTE = Symbol('sluice.route')
type Routed = ServerResponse & { [ROUTE]?: string }

/** Records the route of the app that created a cached response, when the response is sent. */
export function setCachedRoute(response: ServerResponse, route: string): void {
  ;(response as Routed)[ROUTE] = route
}

/** Returns the route of a response that was sent from the cache; `undefined` if it is not known. */
export function cachedRouteOf(response: ServerResponse): string | undefined {
  return (response as Routed)[ROUTE]
}
