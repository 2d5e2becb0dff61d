import { isIPv6 } from 'node:net'
import { forwardedAddresses } from '@sluice/core/siblings'

/** Headers that report the origin of a request to nodes: `X-Forwarded-*`, or `Forwarded` (RFC 7239). */
export type ForwardedStyle = 'x-forwarded' | 'forwarded'

/** How a proxy reports the origin of requests to nodes. */
export interface Forwarding {
  readonly style: ForwardedStyle
  /** Number of trusted proxies in front. */
  readonly trustedHops: number
}

/** The origin of a request, as this proxy sees it. */
interface Origin {
  readonly address: string
  readonly host: string | undefined
  readonly proto: string
}

/**
 * The forwarding headers that the proxies in front have added. Headers of the other style may come from any
 * client, and are removed.
 */
export class TrustedHops {
  #for: string | undefined
  #proto: string | undefined
  #host: string | undefined
  readonly #others: string[] = []

  constructor(private readonly forwarding: Forwarding) {}

  add(name: string, value: string): void {
    const lower = name.toLowerCase()
    if ((lower === 'forwarded') !== (this.forwarding.style === 'forwarded')) return
    if (lower === 'forwarded' || lower === 'x-forwarded-for')
      this.#for = this.#for === undefined ? value : `${this.#for}, ${value}`
    else if (lower === 'x-forwarded-proto') this.#proto = value
    else if (lower === 'x-forwarded-host') this.#host = value
    else this.#others.push(name, value)
  }

  /**
   * Each proxy adds the address that it received the request from. The client is the address that the
   * outermost trusted proxy added.
   */
  clientOf(address: string): string {
    const hops = this.#addresses
    return hops?.[Math.max(0, hops.length - this.forwarding.trustedHops)] ?? address
  }

  /** `undefined`: there are none, or the header is malformed. */
  get #addresses(): readonly (string | undefined)[] | undefined {
    return this.#for === undefined ? undefined : forwardedAddresses(this.forwarding.style, this.#for)
  }

  /** Adds this proxy's entry to the headers. */
  write(headers: string[], { address, host, proto }: Origin): void {
    // A malformed header is not forwarded: a node could parse it differently.
    if (this.#addresses === undefined) this.#for = undefined
    if (this.forwarding.style === 'forwarded') {
      const own = forwardedElement(address, host, proto)
      headers.push('forwarded', this.#for === undefined ? own : `${this.#for}, ${own}`)
      return
    }
    headers.push(...this.#others)
    writeOwn(headers, {
      address: this.#for === undefined ? address : `${this.#for}, ${address}`,
      host: this.#host ?? host,
      proto: this.#proto ?? proto,
    })
  }
}

/** Writes the headers if no proxy in front is trusted. */
export function writeForwarding(headers: string[], style: ForwardedStyle, origin: Origin): void {
  if (style === 'forwarded')
    headers.push('forwarded', forwardedElement(origin.address, origin.host, origin.proto))
  else writeOwn(headers, origin)
}

function writeOwn(headers: string[], { address, host, proto }: Origin): void {
  if (host !== undefined) headers.push('x-forwarded-host', host)
  headers.push('x-forwarded-for', address, 'x-forwarded-proto', proto)
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

/** The `Forwarded` element for one hop. Source: RFC 7239. */
export function forwardedElement(address: string, host: string | undefined, proto: string): string {
  const node = address === '' ? 'unknown' : isIPv6(address) ? `"[${address}]"` : address
  const requested =
    host === undefined ? '' : `;host=${TOKEN.test(host) ? host : `"${host.replace(/["\\]/g, '\\$&')}"`}`
  return `for=${node}${requested};proto=${proto}`
}
