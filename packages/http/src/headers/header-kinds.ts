import { NODE_AUTH_HEADER } from '../node-auth.ts'
import { foldedName, originKind } from './origin-headers.ts'

/** How a proxy treats a header. */
export type HeaderKind =
  | 'end-to-end'
  | 'host'
  | 'connection'
  | 'content-length'
  | 'transfer-encoding'
  /** Reports the origin of a request. */
  | 'forwarded'
  /** Reports what a proxy in front has checked, such as a user. */
  | 'asserted'
  | 'trailer'
  /** Applies to this connection only. */
  | 'hop-by-hop'
  /** Nodes may read it as a header that this proxy sets or removes. */
  | 'folded'

const HOP_BY_HOP = new Set([
  'keep-alive',
  // CGI reads it as the address of a proxy for its own requests.
  'proxy',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'upgrade',
  'expect',
  'http2-settings',
  NODE_AUTH_HEADER,
])
const SINGLE = new Set(['host', 'connection', 'content-length', 'transfer-encoding', 'trailer'])

/**
 * By exact spelling: there are few spellings, and lowercasing each name every time takes longer than all
 * other work.
 */
const known = new Map<string, HeaderKind>()
const MAX_KNOWN = 512

export function headerKind(name: string): HeaderKind {
  const found = known.get(name)
  if (found !== undefined) return found
  const kind = kindOf(name.toLowerCase())
  if (known.size < MAX_KNOWN) known.set(name, kind)
  return kind
}

function kindOf(name: string): HeaderKind {
  const folded = foldedName(name)
  const kind = SINGLE.has(folded)
    ? (folded as HeaderKind)
    : HOP_BY_HOP.has(folded)
      ? 'hop-by-hop'
      : (originKind(folded) ?? 'end-to-end')
  return kind === 'end-to-end' || name === folded ? kind : 'folded'
}

/** Headers that `Connection` can never remove: otherwise a client could strip headers that nodes rely on. */
function isProtected(name: string): boolean {
  const kind = headerKind(name)
  return (
    kind === 'host' ||
    kind === 'forwarded' ||
    kind === 'asserted' ||
    name === 'authorization' ||
    name === 'cookie' ||
    name.startsWith('content-')
  )
}

/**
 * Returns the headers that `Connection` names, in lowercase; `undefined` if it names none that can be
 * removed.
 */
export function namedByConnection(value: string, known: Set<string> | undefined): Set<string> | undefined {
  if (value === 'keep-alive' || value === 'close') return known
  let names = known
  for (const part of value.split(',')) {
    const name = part.trim().toLowerCase()
    if (name === '' || isProtected(name)) continue
    names ??= new Set()
    names.add(name)
  }
  return names
}

/** Returns the headers without those with these names. */
export function withoutNamed(headers: string[], names: Set<string> | undefined): string[] {
  if (names === undefined) return headers
  return headers.filter((_, at) => !names.has((headers[at - (at % 2)] ?? '').toLowerCase()))
}
