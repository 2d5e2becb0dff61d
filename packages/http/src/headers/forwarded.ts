import { isIPv6 } from 'node:net'

const PAIR = /^\s*for\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))\s*$/i
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

/** One hop, as a proxy writes it down. Source: RFC 7239. */
export function forwardedElement(address: string, host: string | undefined, proto: string): string {
  const node = address === '' ? 'unknown' : isIPv6(address) ? `"[${address}]"` : address
  const asked = host === undefined ? '' : `;host=${TOKEN.test(host) ? host : `"${host.replace(/["\\]/g, '\\$&')}"`}`
  return `for=${node}${asked};proto=${proto}`
}

/** Whom each hop spoke with, the first one first, without ports; `undefined` for one that does not say. */
export function forwardedClients(value: string): (string | undefined)[] {
  return split(value, ',').map((element) => {
    for (const pair of split(element, ';')) {
      const match = PAIR.exec(pair)
      if (match !== null) return addressOf((match[1] ?? match[2] ?? '').replace(/\\(.)/g, '$1'))
    }
    return undefined
  })
}

function addressOf(node: string): string | undefined {
  const bracketed = /^\[([\da-fA-F:.]+)\](?::\d+)?$/.exec(node)
  if (bracketed !== null) return bracketed[1]
  return /^(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?$/.exec(node)?.[1]
}

/** Separators within quotes do not count. */
function split(text: string, separator: string): string[] {
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
