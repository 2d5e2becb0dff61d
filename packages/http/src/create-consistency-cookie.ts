import { AsyncResource } from 'node:async_hooks'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { InvalidArgumentError, InvalidOptionError, type Sluice, sluiceFrom } from '@sluice/core'
import {
  checkOptions,
  hostOf,
  type OptionRule,
  option,
  type PendingConsistencyToken,
  secretsRule,
} from '@sluice/core/siblings'
import onHeaders from 'on-headers'
import { cookieValues, seal, unseal } from './headers/cookies.ts'

export interface ConsistencyCookieOptions {
  /**
   * Name of the cookie. After a write with an unknown outcome, there is an additional cookie with the suffix
   * `-unknown`.
   * @defaultValue 'sluice-consistency'
   */
  readonly name?: string
  /**
   * Signs the cookie (HMAC-SHA256), so that clients cannot forge it. The first secret signs, and signatures
   * of all secrets are accepted. Each has at least 16 characters.
   * @defaultValue none: the cookie is not signed
   */
  readonly secret?: string | readonly string[]
  /**
   * Whether browsers send the cookie over TLS only. `'auto'`: if the request used TLS.
   * @defaultValue 'auto'
   */
  readonly secure?: boolean | 'auto'
  /**
   * Which requests from other sites include the cookie. With `'none'`, it is always `Secure`.
   * @defaultValue 'lax'
   */
  readonly sameSite?: 'strict' | 'lax' | 'none'
  /**
   * Domain of the cookie, including its subdomains.
   * @defaultValue none: only the host of the request
   */
  readonly domain?: string
  /**
   * Lifetime after a write, in seconds. Set it if processes have different values of `maxLagMs`, or
   * PostgreSQL's `wal_writer_delay` is not 200 ms. Minimum: `1`.
   * @defaultValue the lifetime that `maxLagMs` requires, rounded up
   */
  readonly maxAgeSeconds?: number
}

interface ResolvedConsistencyCookieOptions {
  readonly name: string
  /** Empty: the cookie is not signed. */
  readonly secrets: readonly string[]
  readonly secure: boolean | 'auto'
  readonly sameSite: 'strict' | 'lax' | 'none'
  readonly domain: string | undefined
  readonly maxAgeSeconds: number | undefined
}

const rule = (expected: string, accepts: OptionRule['accepts']): OptionRule => ({ expected, accepts })

const rules: Readonly<Record<string, OptionRule>> = {
  name: rule(
    "a cookie's name: letters, digits and !#$%&'*+-.^_`|~",
    (value) => typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value),
  ),
  secret: secretsRule,
  secure: rule('true, false or "auto"', (value) => typeof value === 'boolean' || value === 'auto'),
  sameSite: option.oneOf('strict', 'lax', 'none'),
  domain: rule('a domain', (value) => typeof value === 'string' && /^\.?[\w-]+(\.[\w-]+)*$/.test(value)),
  maxAgeSeconds: option.integer(1),
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 *   bounds.
 */
function resolveConsistencyCookieOptions(
  options: ConsistencyCookieOptions,
): ResolvedConsistencyCookieOptions {
  checkOptions(options, rules, 'consistencyCookie.')
  const {
    name = 'sluice-consistency',
    secret = [],
    secure = 'auto',
    sameSite = 'lax',
    domain,
    maxAgeSeconds,
  } = options
  // Browsers accept these cookies only if they are `Secure`.
  const isAlwaysSecure = sameSite === 'none' || /^__(Secure|Host)-/i.test(name)
  if (isAlwaysSecure && secure === false) {
    throw new InvalidOptionError(
      'consistencyCookie.secure',
      `true or "auto" with ${sameSite === 'none' ? 'sameSite "none"' : `the name ${name}`}`,
      secure,
    )
  }
  if (domain !== undefined && /^__Host-/i.test(name)) {
    throw new InvalidOptionError('consistencyCookie.domain', `no domain with the name ${name}`, domain)
  }
  const secrets = typeof secret === 'string' ? [secret] : [...secret]
  return { name, secrets, secure: isAlwaysSecure ? true : secure, sameSite, domain, maxAgeSeconds }
}

/** Browsers may count in whole seconds. */
const ROUNDING_SECONDS = 1
const CACHEABLE = /^(GET|HEAD)$/

export interface ConsistencyCookieStats {
  /** Cookies that were set. */
  readonly set: number
  /** Requests whose reads must include earlier writes of their session. */
  readonly taken: number
  /** Cookies that were not accepted because they were not issued here, or have expired. */
  readonly refused: number
}

/**
 * Provides read-your-writes consistency from one request of a browser to the next, regardless of the process
 * that handles it.
 */
export interface ConsistencyCookie {
  /**
   * Takes over the request's cookie. If the request's scope writes something before the response's headers
   * are sent, sets a cookie with them. Call it in the request's scope, before its first read.
   *
   * @param isSecure - Whether the request came over TLS. Default: whether its connection uses TLS. Behind a
   * proxy, pass it explicitly.
   * @throws InvalidArgumentError outside a scope.
   */
  carry(request: IncomingMessage, response: ServerResponse, isSecure?: boolean): void
  /**
   * The first half of `carry`, for frameworks with other request objects.
   *
   * @param header - The request's `Cookie` header.
   * @throws InvalidArgumentError outside a scope.
   */
  take(header: string | undefined): void
  /**
   * The second half of `carry`: returns values for `Set-Cookie` headers, in addition to the app's. Call it in
   * the request's scope, immediately before its headers are sent.
   */
  toSet(method: string | undefined, isSecure: boolean): readonly string[]
  getStats(): ConsistencyCookieStats
}

/**
 * Creates a cookie that records that a browser has recently written something. A request with this cookie
 * reads from a replica only if the replica has replayed that write, in any process. The cookie expires after
 * `maxLagMs`. It contains no position: a browser stores the cookie of the response that arrived last, and the
 * other response may have the later position. The first request of each process that has the cookie queries a
 * position.
 *
 * @param sluice - Default: the process-wide Sluice.
 * @throws InvalidOptionError
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { getDefaultSluice } from '@sluice/core'
 * import { createConsistencyCookie } from '@sluice/http'
 *
 * const sluice = getDefaultSluice()
 * const consistencyCookie = createConsistencyCookie(sluice)
 * createServer((request, response) => {
 *   void sluice.run(async () => {
 *     consistencyCookie.carry(request, response)
 *     response.end('…')
 *   })
 * }).listen(8080)
 * ```
 */
export function createConsistencyCookie(
  sluice?: Sluice,
  options: ConsistencyCookieOptions = {},
): ConsistencyCookie {
  const { name, secrets, secure, sameSite, domain, maxAgeSeconds } = resolveConsistencyCookieOptions(options)
  const used = sluiceFrom(sluice)
  const { replicas } = used
  const counts = { set: 0, taken: 0, refused: 0 }
  const names = { '?': `${name}-unknown`, '*': name }
  const attributes = [
    domain && `Domain=${domain}`,
    'Path=/',
    'HttpOnly',
    `SameSite=${sameSite[0]?.toUpperCase()}${sameSite.slice(1)}`,
  ]

  const lifetimeSeconds = (token: PendingConsistencyToken) =>
    // The option is the lifetime after a write. A write with an unknown outcome may take effect later by this
    // difference.
    maxAgeSeconds === undefined
      ? Math.ceil(replicas.consistencyTokenLifetimeMs(token) / 1_000) + ROUNDING_SECONDS
      : maxAgeSeconds +
        Math.ceil(
          (replicas.consistencyTokenLifetimeMs(token) - replicas.consistencyTokenLifetimeMs('*')) / 1_000,
        )

  const partsOf = (token: '*' | '?') => ({ name: names[token], secrets, now: Date.now() })

  const take = (header: string | undefined): void => {
    if (hostOf(used).scopes.current() === undefined)
      throw new InvalidArgumentError('request', 'to be handled in a scope', undefined)
    let isTaken = false
    for (const token of ['?', '*'] as const) {
      for (const value of cookieValues(header, names[token])) {
        const unsealed = unseal(value, partsOf(token), lifetimeSeconds(token) * 1_000)
        if (unsealed === undefined) counts.refused += 1
        else replicas.useConsistencyToken(token, unsealed.id)
        isTaken ||= unsealed !== undefined
      }
    }
    if (isTaken) counts.taken += 1
  }

  const toSet = (method: string | undefined, isSecure: boolean): readonly string[] => {
    const token = replicas.pendingConsistencyToken()
    if (token === '') return []
    counts.set += 1
    const isForTls = secure === 'auto' ? isSecure : secure
    // A cache in between may serve one response to several clients.
    const value = `${names[token]}=${seal(partsOf(token), CACHEABLE.test(method ?? 'GET'))}`
    return [
      [value, `Max-Age=${lifetimeSeconds(token)}`, ...attributes, isForTls && 'Secure']
        .filter(Boolean)
        .join('; '),
    ]
  }

  return {
    take,
    toSet,
    carry(request, response, isSecure = (request.socket as Partial<TLSSocket>).encrypted === true) {
      take(request.headers.cookie)
      // Headers may be sent from any context, so bind the request's scope.
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
