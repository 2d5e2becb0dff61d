import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { InvalidArgumentError, type Sluice } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import { BoundedMap } from './bounded-map.ts'
import { rawTarget } from './cacheable-request.ts'
import { type Lesson, Passage } from './passage.ts'

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
