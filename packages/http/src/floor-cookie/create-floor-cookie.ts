import { AsyncResource } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { InvalidArgumentError, type Sluice, sluiceFrom, type WrittenFloor } from '@sluice/core'
import { hostOf } from '@sluice/core/siblings'
import onHeaders from 'on-headers'
import { cookieValues } from '../headers/cookie-values.ts'
import { type FloorCookieOptions, resolveFloorCookieOptions } from './floor-cookie-options.ts'
import { seal, unseal } from './floor-seal.ts'

/** Browsers may count in whole seconds. */
const ROUNDING_SECONDS = 1
const CACHEABLE = /^(GET|HEAD)$/

export interface FloorCookieStats {
  /** Cookies that were set. */
  readonly set: number
  /** Requests whose reads were held to what their session wrote before. */
  readonly taken: number
  /** Cookies that were not taken: nobody here gave them, or too long ago. */
  readonly refused: number
}

/** Carries read-your-writes from one request of a browser to the next, whichever process answers it. */
export interface FloorCookie {
  /**
   * Takes over what the request brings, and sets the cookie with the response's headers where its scope wrote something by then. To be called in the request's
   * scope, before its first read.
   *
   * @param isSecure - Whether the request came over TLS. Left out: whether its connection is one; a proxy in front may know better.
   * @throws InvalidArgumentError outside of any scope.
   */
  carry(request: IncomingMessage, response: ServerResponse, isSecure?: boolean): void
  /**
   * The first half of `carry`, for frameworks whose requests are others.
   *
   * @param header - The request's `Cookie` header.
   * @throws InvalidArgumentError outside of any scope.
   */
  take(header: string | undefined): void
  /** The second half: values for `Set-Cookie` headers, beside those of the app. To be called in the request's scope when its headers are about to be sent. */
  toSet(method: string | undefined, isSecure: boolean): readonly string[]
  getStats(): FloorCookieStats
}

/**
 * Makes a cookie that says that something was written a moment ago. A request that brings it reads from replicas only what they have replayed of that, in whichever
 * process; after `maxLagMs` it goes by itself. It names no position: a browser keeps the answer that came last, and of two positions that need not be the later one.
 * The first request of each process that brings it asks for one.
 *
 * @param sluice - Left out: the process-wide default.
 * @throws InvalidOptionError
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { getDefaultSluice } from '@sluice/core'
 * import { createFloorCookie } from '@sluice/http'
 *
 * const sluice = getDefaultSluice()
 * const floorCookie = createFloorCookie(sluice)
 * createServer((request, response) => {
 *   void sluice.run(async () => {
 *     floorCookie.carry(request, response)
 *     response.end('…')
 *   })
 * }).listen(8080)
 * ```
 */
export function createFloorCookie(sluice?: Sluice, options: FloorCookieOptions = {}): FloorCookie {
  const { name, secrets, secure, sameSite, domain, maxAgeSeconds } = resolveFloorCookieOptions(options)
  const used = sluiceFrom(sluice)
  const { replicas } = used
  const counts = { set: 0, taken: 0, refused: 0 }
  const names = { '?': `${name}-unknown`, '*': name }
  const attributes = [domain && `Domain=${domain}`, 'Path=/', 'HttpOnly', `SameSite=${sameSite[0]?.toUpperCase()}${sameSite.slice(1)}`]

  const lifetimeSeconds = (floor: WrittenFloor) =>
    // The given time is that of a write; one whose outcome is not known may take effect so much later.
    maxAgeSeconds === undefined
      ? Math.ceil(replicas.floorLifetimeMs(floor) / 1_000) + ROUNDING_SECONDS
      : maxAgeSeconds + Math.ceil((replicas.floorLifetimeMs(floor) - replicas.floorLifetimeMs('*')) / 1_000)

  const partsOf = (floor: '*' | '?') => ({ name: names[floor], secrets, now: Date.now() })

  const take = (header: string | undefined): void => {
    if (hostOf(used).scopes.current() === undefined) throw new InvalidArgumentError('request', 'to be handled in a scope', undefined)
    let isTaken = false
    for (const floor of ['?', '*'] as const) {
      for (const value of cookieValues(header, names[floor])) {
        const unsealed = unseal(value, partsOf(floor), lifetimeSeconds(floor) * 1_000)
        if (unsealed === undefined) counts.refused += 1
        else replicas.takeFloor(floor, unsealed.id)
        isTaken ||= unsealed !== undefined
      }
    }
    if (isTaken) counts.taken += 1
  }

  const toSet = (method: string | undefined, isSecure: boolean): readonly string[] => {
    const floor = replicas.writtenFloor()
    if (floor === '') return []
    counts.set += 1
    const isForTls = secure === 'auto' ? isSecure : secure
    // A cache on the way may give one answer to many.
    const value = `${names[floor]}=${seal(partsOf(floor), CACHEABLE.test(method ?? 'GET'))}`
    return [[value, `Max-Age=${lifetimeSeconds(floor)}`, ...attributes, isForTls && 'Secure'].filter(Boolean).join('; ')]
  }

  return {
    take,
    toSet,
    carry(request, response, isSecure = (request.socket as Partial<TLSSocket>).encrypted === true) {
      take(request.headers.cookie)
      // Headers may be sent from anywhere: the scope is that of the request.
      const inScope = AsyncResource.bind(toSet)
      onHeaders(response, () => {
        try {
          const cookies = inScope(request.method, isSecure)
          if (cookies.length > 0) response.appendHeader('Set-Cookie', cookies)
        } catch (error) {
          hostOf(used).reportError(error)
        }
      })
    },
    getStats: () => ({ ...counts }),
  }
}
