import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkOptions, type OptionRule, option } from '@sluice/core/siblings'
import { passageOf } from './response-cache/passage.ts'

/** Where ids of requests come from. */
export interface RequestIdOptions {
  /**
   * The header that carries the id, in requests and responses.
   * @defaultValue 'x-request-id'
   */
  readonly header?: string
  /**
   * Whether an id that a request brings is taken over: of requests that come through a proxy of one's own. One that is longer than 128 characters, or has
   * others than letters, digits and `._:/+=@-`, never is.
   * @defaultValue false
   */
  readonly trust?: boolean | ((request: IncomingMessage) => boolean)
}

const WELL_FORMED = /^[\w.:/+=@-]{1,128}$/
const header: OptionRule = { expected: 'the name of a header', accepts: (value) => typeof value === 'string' && /^[\w-]+$/.test(value) }

/** Gives each request an id. */
export class RequestIds {
  /** The name of the header, in lower case. */
  readonly header: string
  readonly #trust: NonNullable<RequestIdOptions['trust']>

  /** @throws InvalidOptionError. */
  constructor(options: RequestIdOptions = {}) {
    checkOptions(options, { header, trust: option.either(option.boolean, option.callback) }, 'requestId.')
    this.header = (options.header ?? 'x-request-id').toLowerCase()
    this.#trust = options.trust ?? false
  }

  /** Returns the id of the request: that in the response's header, that of a trusted request, or a new one. The response is sent with it. */
  of(request: IncomingMessage, response: ServerResponse): string {
    const given = response.getHeader(this.header)
    const isGiven = typeof given === 'string' && WELL_FORMED.test(given)
    passageOf(response)?.identified(this, !isGiven && typeof this.#trust === 'boolean')
    if (isGiven) return given
    const id = this.newFor(request)
    if (!response.headersSent) response.setHeader(this.header, id)
    return id
  }

  /** The id of a request whose response has none yet. */
  newFor(request: IncomingMessage): string {
    return this.#brought(request) ?? randomUUID()
  }

  /** Node parses the headers of a request when they are first read. */
  #brought(request: IncomingMessage): string | undefined {
    if (this.#trust === false) return undefined
    const brought = request.headers[this.header]
    return typeof brought === 'string' && WELL_FORMED.test(brought) && this.#trusts(request) ? brought : undefined
  }

  #trusts(request: IncomingMessage): boolean {
    try {
      return typeof this.#trust === 'boolean' ? this.#trust : this.#trust(request) === true
    } catch {
      // A request does not fail by what it is called.
      return false
    }
  }
}
