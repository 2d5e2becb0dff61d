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
export function foldedName(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, '-')
}

/** @param name - From `foldedName`. */
export function originKind(name: string): 'forwarded' | 'asserted' | undefined {
  if (ORIGIN.has(name) || ORIGIN_PREFIX.test(name)) return 'forwarded'
  return ASSERTED.has(name) || ASSERTED_PREFIX.test(name) ? 'asserted' : undefined
}
