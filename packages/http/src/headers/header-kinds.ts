import { NODE_AUTH_HEADER } from '../node-auth.ts'

/** How a proxy treats a header. */
export type HeaderKind =
  | 'end-to-end'
  | 'host'
  | 'connection'
  | 'content-length'
  | 'transfer-encoding'
  | 'forwarded'
  | 'trailer'
  /** Applies to this connection only. */
  | 'hop-by-hop'

const HOP_BY_HOP = new Set([
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'upgrade',
  'expect',
  'http2-settings',
  NODE_AUTH_HEADER,
])
const FORWARDED = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'forwarded',
  'x-real-ip',
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
  const lower = name.toLowerCase()
  const kind: HeaderKind = SINGLE.has(lower)
    ? (lower as HeaderKind)
    : FORWARDED.has(lower)
      ? 'forwarded'
      : HOP_BY_HOP.has(lower)
        ? 'hop-by-hop'
        : 'end-to-end'
  if (known.size < MAX_KNOWN) known.set(name, kind)
  return kind
}

/** Headers that `Connection` can never remove: otherwise a client could strip headers that nodes rely on. */
function isProtected(name: string): boolean {
  const kind = headerKind(name)
  return (
    kind === 'host' ||
    kind === 'forwarded' ||
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
