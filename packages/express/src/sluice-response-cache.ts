import { type Sluice, sluiceFrom } from '@sluice/core'
import { createResponseCache, type ResponseCache, type ResponseCacheOptions } from '@sluice/http'
import type { RequestHandler } from 'express'

export interface ResponseCacheMiddleware extends RequestHandler {
  /** What it counts. */
  readonly cache: ResponseCache
}

/**
 * Express middleware that answers requests with responses that were kept, as long as nothing is written to what they were made from. Use it after
 * `sluiceMiddleware` and after all that decides who may be answered, before the routes or on one of them. Works with Express 4.18 and 5.
 *
 * @throws InvalidOptionError for options that are unknown or wrong.
 * @example
 * ```ts
 * app.get('/cities', sluiceResponseCache(sluice, { ttlMs: 60_000 }), listCities)
 * ```
 */
export function sluiceResponseCache(sluice?: Sluice, options: ResponseCacheOptions = {}): ResponseCacheMiddleware {
  const cache = createResponseCache(sluiceFrom(sluice), options)
  const middleware: RequestHandler = (request, response, next) => {
    const answered = cache.answer(request, response, { url: request.originalUrl })
    if (answered === false) next()
    else if (answered !== true) answered.then((is) => is || next())
  }
  return Object.assign(middleware, { cache })
}
