import { randomFillSync } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'
import { passageOf } from './response-cache/response-cache-front.ts'

/** Options for request ids. */
export interface RequestIdOptions {
  /**
   * Header that contains the id, in requests and responses.
   * @defaultValue 'x-request-id'
   */
  readonly header?: string
  /**
   * Whether the id in a request is used. Set it for requests that come through your proxy. An id of more than
   * 128 characters, or with characters other than letters, digits and `._:/+=@-`, is never used.
   * @defaultValue false
   */
  readonly trust?: boolean | ((request: IncomingMessage) => boolean)
}

const WELL_FORMED = /^[\w.:/+=@-]{1,128}$/
const header: OptionRule = {
  expected: 'a header name',
  accepts: (value) => typeof value === 'string' && /^[\w-]+$/.test(value),
}

/** Assigns an id to each request. */
export class RequestIds {
  /** Name of the header, in lowercase. */
  readonly header: string
  readonly #trust: NonNullable<RequestIdOptions['trust']>

  /** @throws InvalidOptionError. */
  constructor(options: RequestIdOptions = {}) {
    checkOptions(options, { header, trust: option.either(option.boolean, option.callback) }, 'requestId.')
    this.header = (options.header ?? 'x-request-id').toLowerCase()
    this.#trust = options.trust ?? false
  }

  /**
   * Returns the id of the request: the id in the response's header, the id of a trusted request, or a new
   * one. The response is sent with it.
   */
  of(request: IncomingMessage, response: ServerResponse): string {
    const received = response.getHeader(this.header)
    const isReceived = typeof received === 'string' && WELL_FORMED.test(received)
    passageOf(response)?.identified(this, !isReceived && typeof this.#trust === 'boolean')
    if (isReceived) return received
    const id = this.newFor(request)
    if (!response.headersSent) response.setHeader(this.header, id)
    return id
  }

  /** Returns the id for a request whose response has none yet. */
  newFor(request: IncomingMessage): string {
    return this.#brought(request) ?? quickUuid()
  }

  /** Reads the headers only if needed: Node parses them when they are first read. */
  #brought(request: IncomingMessage): string | undefined {
    if (this.#trust === false) return undefined
    const brought = request.headers[this.header]
    return typeof brought === 'string' && WELL_FORMED.test(brought) && this.#trusts(request)
      ? brought
      : undefined
  }

  #trusts(request: IncomingMessage): boolean {
    try {
      return typeof this.#trust === 'boolean' ? this.#trust : this.#trust(request) === true
    } catch {
      // An id must not make a request fail.
      return false
    }
  }
}

const BYTES = 16
const HYPHEN = 45
const DIGITS = Buffer.from('0123456789abcdef')
/** Random bytes for 128 UUIDs. */
const pool = Buffer.allocUnsafeSlow(128 * BYTES)
const text = Buffer.allocUnsafeSlow(36)
let used = pool.length

/**
 * Returns a random UUID (version 4), like `randomUUID` of `node:crypto`, which allocates ten times as much:
 * it concatenates 20 strings, and each request needs an id.
 */
export function quickUuid(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  let at = 0
  for (let index = 0; index < BYTES; index += 1) {
    let byte = pool[used + index] as number
    if (index === 6) byte = (byte & 0x0f) | 0x40
    else if (index === 8) byte = (byte & 0x3f) | 0x80
    if (index === 4 || index === 6 || index === 8 || index === 10) text[at++] = HYPHEN
    text[at++] = DIGITS[byte >> 4] as number
    text[at++] = DIGITS[byte & 0x0f] as number
  }
  used += BYTES
  return text.toString('latin1')
}
