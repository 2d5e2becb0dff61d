import type { IncomingMessage } from 'node:http'
import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'

/** Which responses are cached, and which requests share them. */
export interface ResponseCacheOptions {
  /**
   * Maximum age of a response that sets none (`s-maxage`, `max-age`, `Expires`), in milliseconds. External
   * writes become visible within this time plus the `ttl` of the results behind the response. Greater than
   * `0`.
   * @defaultValue the Sluice's `cache.ttl`
   */
  readonly ttlMs?: number
  /**
   * Statuses of responses that are cached. `206` and `304` are not allowed.
   * @defaultValue [200]
   */
  readonly statuses?: readonly number[]
  /**
   * Returns the cache key, instead of the host, the path and the query: requests with equal strings share a
   * response. If responses differ between users, it must distinguish them. With `key`, requests with
   * `Cookie`, `Authorization` or any other header are served from the cache, too. If it returns `undefined`,
   * the request is not cached.
   * @defaultValue none
   */
  readonly key?: (request: IncomingMessage) => string | undefined
  /**
   * Request headers that the response depends on, in addition to its `Vary`. Each value has separate
   * responses, so requests with these headers do not need to be anonymous: the list can contain `cookie` and
   * `authorization`.
   * @defaultValue none
   */
  readonly vary?: readonly string[]
  /**
   * Request headers that the response never depends on, in addition to those of browsers and proxies that
   * Sluice knows. A request with any other header may be personal and is not served from the cache.
   * @defaultValue none
   */
  readonly ignoreHeaders?: readonly string[]
  /**
   * Whether each host has separate responses.
   * @defaultValue true
   */
  readonly host?: boolean
  /**
   * Query parameters that the response depends on. Requests that differ in other parameters share a response,
   * if all parsers read them the same way or the framework has parsed them.
   * @defaultValue every parameter
   */
  readonly query?: readonly string[]
  /**
   * Models and tables that the response depends on, in addition to those of its queries.
   * @defaultValue none
   */
  readonly tables?: readonly string[]
  /**
   * Custom tags, for `sluice.tiered.invalidateTags`. A response without queries is cached only if it has tags
   * or `tables`.
   * @defaultValue none
   */
  readonly tags?: readonly string[]
  /**
   * Maximum size of a cached body, in bytes. Larger ones are passed through. Minimum: `1`.
   * @defaultValue 1048576
   */
  readonly maxBodyBytes?: number
  /**
   * How long a request waits for a request with the same key that is in flight, in milliseconds. `0`: not at
   * all.
   * @defaultValue 1000
   */
  readonly maxWaitMs?: number
  /**
   * With a shared store: whether other processes can use the responses. Responses with data in
   * `cache.exclude` are never shared.
   * @defaultValue true
   */
  readonly shared?: boolean
  /**
   * With a shared store: identifies the release of the app, such as a commit. Responses of other versions are
   * not used.
   * @defaultValue ''
   */
  readonly version?: string
  /**
   * Response headers that are not cached, in addition to those that never are.
   * @defaultValue none
   */
  readonly dropHeaders?: readonly string[]
  /**
   * Whether the `Cache-Control` of requests is respected: `no-cache`, `no-store`, `max-age`, `min-fresh`,
   * `only-if-cached`. It allows every client to force a new response.
   * @defaultValue true
   */
  readonly requestCacheControl?: boolean
  /**
   * Sends `Cache-Status` (RFC 9211): whether the response came from the cache, and why not.
   * @defaultValue true
   */
  readonly cacheStatus?: boolean
}

/** The options with their defaults applied. */
export interface ResolvedResponseCacheOptions {
  readonly ttlMs: number
  readonly statuses: ReadonlySet<number>
  readonly key: ((request: IncomingMessage) => string | undefined) | undefined
  readonly vary: readonly string[]
  readonly ignoreHeaders: ReadonlySet<string>
  readonly host: boolean
  readonly query: ReadonlySet<string> | undefined
  readonly tables: readonly string[]
  readonly tags: readonly string[]
  readonly maxBodyBytes: number
  readonly maxWaitMs: number
  readonly shared: boolean
  readonly version: string
  readonly dropHeaders: ReadonlySet<string>
  readonly requestCacheControl: boolean
  readonly cacheStatus: boolean
}

const statuses: OptionRule = {
  expected: 'an array of statuses from 200 to 599, except 206 and 304',
  accepts: (value) => Array.isArray(value) && value.every(isStatus),
}
const names: OptionRule = {
  expected: 'an array of header names',
  accepts: (value) =>
    option.strings.accepts(value) &&
    (value as readonly string[]).every((name) => /^[\w!#$%&'.^`|~+-]+$/.test(name)),
}

/** @throws InvalidOptionError. */
export function resolveResponseCacheOptions(
  options: ResponseCacheOptions,
  defaultTtlMs: number,
): ResolvedResponseCacheOptions {
  const { boolean, callback, integer, number, positive, strings } = option
  checkOptions(options, {
    ttlMs: positive,
    statuses,
    key: callback,
    vary: names,
    ignoreHeaders: names,
    host: boolean,
    query: strings,
    tables: strings,
    tags: strings,
    maxBodyBytes: integer(1),
    maxWaitMs: number(0),
    shared: boolean,
    version: option.string,
    dropHeaders: names,
    requestCacheControl: boolean,
    cacheStatus: boolean,
  })
  const lower = (values: readonly string[] = []) => values.map((name) => name.toLowerCase())
  return {
    ttlMs: options.ttlMs ?? defaultTtlMs,
    statuses: new Set(options.statuses ?? [200]),
    key: options.key,
    vary: [...new Set(lower(options.vary))].sort(),
    ignoreHeaders: new Set(lower(options.ignoreHeaders)),
    host: options.host ?? true,
    query: options.query && new Set(options.query),
    tables: options.tables ?? [],
    tags: options.tags ?? [],
    maxBodyBytes: options.maxBodyBytes ?? 1_048_576,
    maxWaitMs: options.maxWaitMs ?? 1_000,
    shared: options.shared ?? true,
    version: options.version ?? '',
    dropHeaders: new Set(lower(options.dropHeaders)),
    requestCacheControl: options.requestCacheControl ?? true,
    cacheStatus: options.cacheStatus ?? true,
  }
}

function isStatus(status: unknown): boolean {
  return (
    Number.isInteger(status) &&
    (status as number) >= 200 &&
    (status as number) < 600 &&
    status !== 206 &&
    status !== 304
  )
}
