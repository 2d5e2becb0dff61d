import type { Dispatcher } from 'undici'
import { NODE_AUTH_HEADER } from '../node-auth.ts'

/** How a proxy treats a header. */
type HeaderKind =
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

/**
 * Returns the headers of a node's response without those that apply to its connection. Repeated headers stay
 * repeated.
 *
 * @param raw - Names and values alternate.
 */
export function responseHeaders(raw: readonly string[]): string[] {
  const headers: string[] = []
  let named: Set<string> | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    switch (headerKind(name)) {
      case 'connection':
        named = namedByConnection(raw[i + 1] as string, named)
        break
      case 'transfer-encoding':
      case 'hop-by-hop':
        break
      default:
        headers.push(name, raw[i + 1] as string)
    }
  }
  return withoutNamed(headers, named)
}

type Raw = readonly (Buffer | string)[]

/** The headers of a response as received: names and values alternate, and repeated headers stay repeated. */
export function rawHeadersOf({ rawHeaders }: Pick<Dispatcher.DispatchController, 'rawHeaders'>): string[] {
  return ((rawHeaders ?? []) as Raw).map(textOf)
}

/** The same for the trailers of a response. */
export function rawTrailersOf({ rawTrailers }: Pick<Dispatcher.DispatchController, 'rawTrailers'>): string[] {
  return ((rawTrailers ?? []) as Raw).map(textOf)
}

function textOf(value: Buffer | string): string {
  return typeof value === 'string' ? value : value.toString('latin1')
}

/**
 * Headers that report the address, host, protocol or port that a client used. A trusted proxy that sends
 * `X-Forwarded-*` may send them.
 */
const ORIGIN = new Set([
  'forwarded',
  'forwarded-for',
  'forwarded-host',
  'forwarded-proto',
  'x-forwarded',
  'x-forward-for',
  'x-real-ip',
  'x-real-port',
  'x-real-proto',
  'x-real-host',
  'client-ip',
  'x-client-ip',
  'x-client-port',
  'true-client-ip',
  'x-true-client-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'cf-visitor',
  'fastly-client-ip',
  'fastly-ssl',
  'fly-client-ip',
  'do-connecting-ip',
  'x-source-ip',
  'x-cluster-client-ip',
  'x-cluster-client-port',
  'x-envoy-external-address',
  'x-envoy-internal',
  'x-proxyuser-ip',
  'x-appengine-user-ip',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-vercel-proxied-for',
  'x-nf-client-connection-ip',
  'x-sucuri-clientip',
  'incap-client-ip',
  'ali-cdn-real-ip',
  'x-cdn-src-ip',
  'x-originating-ip',
  'x-remote-ip',
  'x-remote-addr',
  'x-remote-address',
  'remote-addr',
  'remote-host',
  'remote-port',
  'wl-proxy-client-ip',
  'wl-proxy-ssl',
  'x-host',
  'x-http-host-override',
  'disguised-host',
  'x-scheme',
  'x-url-scheme',
  'url-scheme',
  'x-proto',
  'front-end-https',
  'https',
  'x-front-end-https',
  'x-https',
  'x-ssl',
  'x-arr-ssl',
])
const ORIGIN_PREFIX =
  /^(?:x-forwarded-|x-original-(?:(?:host|proto|scheme|port|for)$|forwarded-|remote-)|x-vercel-forwarded-|cloudfront-(?:forwarded-|viewer-)|proxy-client-)/

/**
 * Headers that report a user, a certificate, or another path or method, which a trusted proxy has checked.
 */
const ASSERTED = new Set([
  'x-original-url',
  'x-original-uri',
  'x-original-path',
  'x-original-method',
  'x-rewrite-url',
  'x-waws-unencoded-url',
  'x-envoy-original-path',
  'x-script-name',
  'script-name',
  'path-info',
  'x-accel-mapping',
  'x-sendfile-type',
  'client-cert',
  'client-cert-chain',
  'x-client-cert',
  'x-client-certificate',
  'x-client-verify',
  'x-arr-clientcert',
  'ssl-cert',
  'x-ssl-cert',
  'remote-user',
  'remote-name',
  'remote-email',
  'remote-groups',
  'x-remote-user',
  'x-remote-group',
  'x-remote-groups',
  'x-webauth-user',
  'x-authenticated-user',
  'x-authenticated-userid',
])
const ASSERTED_PREFIX =
  /^(?:(?:x-)?(?:ssl|tls)-client-|x-client-cert-|x-amzn-(?:mtls-|oidc-)|x-auth-request-|x-goog-authenticated-user-|cf-access-authenticated-|x-ms-client-principal|x-remote-extra-|tailscale-user-|x-authentik-|x-pomerium-)/

/**
 * Returns a name as servers that put headers into variables read it: CGI, PHP, Rack and WSGI do not
 * distinguish `X_Forwarded_For` from `X-Forwarded-For`, and some replace every other character, too.
 */
function foldedName(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, '-')
}

/** @param name - From `foldedName`. */
function originKind(name: string): 'forwarded' | 'asserted' | undefined {
  if (ORIGIN.has(name) || ORIGIN_PREFIX.test(name)) return 'forwarded'
  return ASSERTED.has(name) || ASSERTED_PREFIX.test(name) ? 'asserted' : undefined
}
