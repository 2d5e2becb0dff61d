import type { IncomingMessage } from 'node:http'
import { isIPv4, isIPv6, socketAddress } from './late-modules.ts'

/** The headers in which proxies write down addresses: the usual ones, or the one of RFC 7239. */
type ForwardedStyle = 'x-forwarded' | 'forwarded'

/** A node of a header, with or without a port. A zone is only valid on one machine. */
const NODE = /^(?:\[([\da-f:.]+)\]|([\d.]+))(?::(\d{1,5}))?$/i
/** RFC 7239, section 6: the proxy does not know the address, or hides it. */
const HIDDEN = /^(?:unknown|_[\w.-]+)(?::(?:\d{1,5}|_[\w.-]+))?$/i
const PAIR = /^([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([\w!#$%&'*+.^`|~-]+))$/

/**
 * An address in the one form that compares equal: IPv6 as RFC 5952 writes it, IPv4 plain though a socket
 * listens for both.
 *
 * @returns `undefined` if it is not an address.
 */
export function plainAddress(address: string | undefined): string | undefined {
  if (address === undefined || isIPv4(address)) return address
  if (!isIPv6(address)) return undefined
  const plain = socketAddress({ address, family: 'ipv6' }).address
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice(7) : plain
}

/**
 * The client whose requests count together: an IPv4 address, or the 64 bits of an IPv6 address that a
 * provider assigns to one customer.
 *
 * @param address - From `plainAddress`.
 */
export function clientNetwork(address: string): string {
  if (!isIPv6(address)) return address
  const [head = '', tail] = address.split('::') as [string, string?]
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':')
    // An IPv4 address at the end, which stands for two groups, comes after zeros alone.
    for (let i = groups.length + last.length; i < 8; i += 1) groups.push('0')
    groups.push(...last)
  }
  return `${groups.slice(0, 4).join(':')}::/64`
}

/**
 * The addresses that proxies have written down, the first hop first; `undefined` for a hop that hides its
 * address.
 *
 * @returns `undefined` if the header is malformed: then no part of it can be trusted.
 */
export function forwardedAddresses(
  style: ForwardedStyle,
  header: string,
): readonly (string | undefined)[] | undefined {
  const hops = style === 'forwarded' ? forwardedNodes(header) : header.split(',').map((hop) => hop.trim())
  const addresses: (string | undefined)[] = []
  for (const hop of hops ?? []) {
    const address = hop === undefined || HIDDEN.test(hop) ? undefined : nodeAddress(hop, style)
    if (address === null) return undefined
    addresses.push(address)
  }
  return hops === undefined ? undefined : addresses
}

/** `null`: it is malformed. */
function nodeAddress(node: string, style: ForwardedStyle): string | null {
  // Only `X-Forwarded-For` has IPv6 without brackets, and then without a port.
  if (style === 'x-forwarded' && isIPv6(node)) return node.includes('%') ? null : (plainAddress(node) ?? null)
  const [, ipv6, ipv4, port = '0'] = NODE.exec(node) ?? []
  if (Number(port) > 65_535) return null
  if (ipv6 !== undefined) return isIPv6(ipv6) ? (plainAddress(ipv6) ?? null) : null
  return ipv4 !== undefined && isIPv4(ipv4) ? ipv4 : null
}

/** The `for` of each element. `undefined`: it is not as RFC 7239 says. */
function forwardedNodes(header: string): readonly (string | undefined)[] | undefined {
  const nodes: (string | undefined)[] = []
  for (const element of splitOutsideQuotes(header, ',')) {
    const names = new Map<string, string>()
    for (const part of splitOutsideQuotes(element, ';')) {
      const [, name, quoted, token = ''] = PAIR.exec(part.trim()) ?? []
      if (name === undefined || names.has(name.toLowerCase())) return undefined
      names.set(name.toLowerCase(), quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1'))
    }
    nodes.push(names.get('for'))
  }
  return nodes
}

/** A quote that is not closed makes its part malformed. */
function splitOutsideQuotes(text: string, separator: string): readonly string[] {
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]
    if (char === '\\' && isQuoted) at += 1
    else if (char === '"') isQuoted = !isQuoted
    else if (char === separator && !isQuoted) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

const LOOPBACK = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1)$/
const LOCAL_HOST = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i
/** Headers of a request that a proxy has passed on. */
const FORWARDING =
  /^(?:x-forwarded(?:-.*)?|forwarded|via|cdn-loop|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip|cf-connecting-ip|fastly-client-ip|x-original-.*)$/

/**
 * Whether a request is certain to come from this machine, for this machine. The socket's address alone does
 * not tell: a proxy on this machine has it, and a page of another site can have a name that leads here.
 */
export function isLocalRequest({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  const host = headers[':authority'] ?? headers.host
  if (!LOOPBACK.test(plainAddress(socket.remoteAddress) ?? '') || !LOCAL_HOST.test(String(host ?? '')))
    return false
  return !Object.keys(headers).some((name) => FORWARDING.test(name))
}
