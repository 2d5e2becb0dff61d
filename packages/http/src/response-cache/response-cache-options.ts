import type { IncomingMessage } from 'node:http'
import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'

/** What responses are kept, and for whom. */
export interface ResponseCacheOptions {
  /**
   * Milliseconds that a response is kept at most, where it does not say so itself (`s-maxage`, `max-age`, `Expires`). It bounds what writers that do
   * not use Sluice can leave stale, on top of the time of the results that it is made of. Greater than `0`.
   * @defaultValue that of the Sluice's `cache.ttl`
   */
  readonly ttlMs?: number
  /**
   * Statuses of responses that are kept. Not `206`, nor `304`.
   * @defaultValue [200]
   */
  readonly statuses?: readonly number[]
  /**
   * Who may be given the same response, in place of the host, the path and the query: requests with equal texts. It must tell users apart where the
   * response is not for all: with it, requests with `Cookie`, `Authorization` or any other header are answered from the cache, too. `undefined` from it: not this one.
   * @defaultValue none
   */
  readonly key?: (request: IncomingMessage) => string | undefined
  /**
   * Names of request headers that the response depends on, besides those of its own `Vary`. Each value has its own responses, so requests with these
   * headers need not be anonymous: `cookie` and `authorization` may be among them.
   * @defaultValue none
   */
  readonly vary?: readonly string[]
  /**
   * Names of request headers that the response never depends on, besides those of browsers and proxies that Sluice knows. A request with any other
   * header may be personal, and is not answered from the cache.
   * @defaultValue none
   */
  readonly ignoreHeaders?: readonly string[]
  /**
   * Whether each host has responses of its own.
   * @defaultValue true
   */
  readonly host?: boolean
  /**
   * Parameters of the query that the response depends on. Requests that differ in others are given the same one, if all
   * parsers read them alike or the framework has parsed them.
   * @defaultValue every parameter
   */
  readonly query?: readonly string[]
  /**
   * Models and tables that the response depends on, besides those of its queries.
   * @defaultValue none
   */
  readonly tables?: readonly string[]
  /**
   * Names of the app's own, for `sluice.tiered.invalidateTags`. A response without a query is kept only if it has one, or `tables`.
   * @defaultValue none
   */
  readonly tags?: readonly string[]
  /**
   * Bytes of a body that is kept. Larger ones are passed on. Minimum: `1`.
   * @defaultValue 1048576
   */
  readonly maxBodyBytes?: number
  /**
   * Milliseconds that a request waits for another one that is being answered under the same key. `0`: not at all.
   * @defaultValue 1000
   */
  readonly maxWaitMs?: number
  /**
   * With a shared store: whether other processes may have the responses. What must not be shared by `cache.exclude` never is.
   * @defaultValue true
   */
  readonly shared?: boolean
  /**
   * With a shared store: what tells the releases of the app apart, such as a commit. Responses of another one are not given.
   * @defaultValue ''
   */
  readonly version?: string
  /**
   * Names of response headers that are not kept, besides those that never are.
   * @defaultValue none
   */
  readonly dropHeaders?: readonly string[]
  /**
   * Whether the `Cache-Control` of requests is followed: `no-cache`, `no-store`, `max-age`, `min-fresh`, `only-if-cached`. By it, anyone can have a
   * response made anew.
   * @defaultValue true
   */
  readonly requestCacheControl?: boolean
  /**
   * Sends `Cache-Status` (RFC 9211): whether the response was kept, and why not.
   * @defaultValue true
   */
  readonly cacheStatus?: boolean
}

/** The same, with defaults. */
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

const text: OptionRule = { expected: 'a text', accepts: (value) => typeof value === 'string' }
const statuses: OptionRule = {
  expected: 'an array of statuses from 200 to 599 but 206 and 304',
  accepts: (value) => Array.isArray(value) && value.every(isStatus),
}
const names: OptionRule = {
  expected: 'an array of names of headers',
  accepts: (value) => option.strings.accepts(value) && (value as readonly string[]).every((name) => /^[\w!#$%&'.^`|~+-]+$/.test(name)),
}

/** @throws InvalidOptionError. */
export function resolveResponseCacheOptions(options: ResponseCacheOptions, defaultTtlMs: number): ResolvedResponseCacheOptions {
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
    version: text,
    dropHeaders: names,
    requestCacheControl: boolean,
    cacheStatus: boolean,
  })
  const lower = (given: readonly string[] = []) => given.map((name) => name.toLowerCase())
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
  return Number.isInteger(status) && (status as number) >= 200 && (status as number) < 600 && status !== 206 && status !== 304
}
