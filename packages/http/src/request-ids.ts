import { randomUUID } from 'node:crypto'
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

/** The last 6 of the 32 digits count, from the least number with so many. */
const FIRST = 0x100000
const END = 0x1000000
const COUNTED_DIGITS = 6
let prefix = ''
let next = END

/**
 * Returns an id in the format of a UUID (version 4), unique, but not unpredictable: its end is a counter.
 * Each request needs one, and a random one costs as much as its scope.
 */
export function quickUuid(): string {
  if (next === END) {
    prefix = randomUUID().slice(0, -COUNTED_DIGITS)
    next = FIRST
  }
  const id = prefix + next.toString(16)
  next += 1
  return id
}
