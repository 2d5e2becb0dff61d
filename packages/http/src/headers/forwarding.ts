import { isIPv6 } from 'node:net'
import { forwardedAddresses } from '@sluice/core/siblings'

/** The headers that tell nodes where a request came from: the usual ones, or the one of RFC 7239. */
export type ForwardedStyle = 'x-forwarded' | 'forwarded'

/** How a proxy tells nodes where requests came from. */
export interface Forwarding {
  readonly style: ForwardedStyle
  /** Proxies in front whose word counts. */
  readonly trustedHops: number
}

/** Where a request came from, as this proxy sees it. */
interface Origin {
  readonly address: string
  readonly host: string | undefined
  readonly proto: string
}

/** What the proxies in front have written down. Headers of the other style may come from anyone, and are dropped. */
export class TrustedHops {
  #for: string | undefined
  #proto: string | undefined
  #host: string | undefined
  readonly #others: string[] = []

  constructor(private readonly forwarding: Forwarding) {}

  add(name: string, value: string): void {
    const lower = name.toLowerCase()
    if ((lower === 'forwarded') !== (this.forwarding.style === 'forwarded')) return
    if (lower === 'forwarded' || lower === 'x-forwarded-for') this.#for = this.#for === undefined ? value : `${this.#for}, ${value}`
    else if (lower === 'x-forwarded-proto') this.#proto = value
    else if (lower === 'x-forwarded-host') this.#host = value
    else this.#others.push(name, value)
  }

  /** Each has written down whom it spoke with: the one that the outermost of them spoke with is the client. */
  clientOf(address: string): string {
    const hops = this.#addresses
    return hops?.[Math.max(0, hops.length - this.forwarding.trustedHops)] ?? address
  }

  /** `undefined`: there are none, or the header is malformed. */
  get #addresses(): readonly (string | undefined)[] | undefined {
    return this.#for === undefined ? undefined : forwardedAddresses(this.forwarding.style, this.#for)
  }

  /** Adds this proxy's own word to theirs. */
  write(headers: string[], { address, host, proto }: Origin): void {
    // A malformed one is not passed on: a node could read it in another way.
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

/** What a proxy says in whose front nobody is trusted. */
export function writeForwarding(headers: string[], style: ForwardedStyle, origin: Origin): void {
  if (style === 'forwarded') headers.push('forwarded', forwardedElement(origin.address, origin.host, origin.proto))
  else writeOwn(headers, origin)
}

function writeOwn(headers: string[], { address, host, proto }: Origin): void {
  if (host !== undefined) headers.push('x-forwarded-host', host)
  headers.push('x-forwarded-for', address, 'x-forwarded-proto', proto)
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

/** One hop, as a proxy writes it down. Source: RFC 7239. */
export function forwardedElement(address: string, host: string | undefined, proto: string): string {
  const node = address === '' ? 'unknown' : isIPv6(address) ? `"[${address}]"` : address
  const asked = host === undefined ? '' : `;host=${TOKEN.test(host) ? host : `"${host.replace(/["\\]/g, '\\$&')}"`}`
  return `for=${node}${asked};proto=${proto}`
}
