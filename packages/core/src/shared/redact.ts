/** A place-holder for redacted text, valid in URLs. */
const REDACTED = '***'
/** `scheme://user:password@`; a password may contain `@`, `/` and `?`, but no white space. Up to the last `@` of what may be one host or several. */
const USER_INFO = /\b([a-z][a-z\d+.-]*:\/\/)([^\s"'`<>]*)@(?=[^\s"'`<>@]*)/gi
/** `user:password@host` without a scheme. */
const BARE_USER_INFO = /(^|[\s"'`(=])([^\s:/@"'`()=]+):([^\s"'`]*)@(?=[\w.[-])/g
/** `password=…` in a query, a list of `key=value` or of `key: value`. */
const SECRET_PAIR =
  /([\w-]*(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|signature|sslkey|(?<![a-z])key|(?<![a-z])sig))(["']?\s*[=:]\s*)('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|[^\s&;,#"'`)}\]]+)/gi

/**
 * A text in which no address shows a password: of `user:password@`, with and without a scheme, of query parameters and of `key=value` lists.
 * Everything else stays, so that the host is still known.
 */
export function redact(text: string): string {
  return text
    .replace(USER_INFO, (_, scheme: string, userInfo: string) => `${scheme}${withoutPassword(userInfo)}@`)
    .replace(BARE_USER_INFO, `$1$2:${REDACTED}@`)
    .replace(SECRET_PAIR, `$1$2${REDACTED}`)
}

/** `user`, `user:` and `user:password`; `:password` of Redis. A name alone is a token of some services. */
function withoutPassword(userInfo: string): string {
  const colon = userInfo.indexOf(':')
  return colon < 0 ? REDACTED : `${userInfo.slice(0, colon)}:${REDACTED}`
}

/** The scheme and the host of an address: path and query of a webhook contain its token. */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return redact(url)
  const { protocol, host } = new URL(url)
  return host === '' ? redact(url) : `${protocol}//${host}/${REDACTED}`
}
