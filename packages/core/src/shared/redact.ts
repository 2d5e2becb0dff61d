/** A place-holder for redacted text, valid in URLs. */
const REDACTED = '***'
/**
 * `scheme://user:password@`, and `user:password@` without a scheme. A password may contain any character but
 * white space: it ends at the last `@`. All repetitions are bounded, so that the time is linear.
 */
const USER_INFO =
  /\b((?:[a-z][a-z\d+.-]{0,30}:){1,3}\/\/)(\S{0,4096})@|(^|[\s"'`(=/,;[{<])([^\s:/@"'`()=]{1,200}):(?!\/\/)(\S{0,4096})@(?=[\w.[-])/gi
/**
 * A password with white space, which should have been encoded: not after a port, where another address may
 * follow.
 */
const SPACED_USER_INFO =
  /(\b[a-z][a-z\d+.-]{0,30}:\/\/[^\s:@/]{0,200}:)(?!\d{1,5}(?:[^\w@]|$))[^\n@"'`]{1,400}@(?=[\w.[-])/gi
/** An address in a parameter of another. */
const ENCODED_USER_INFO = /(%3A%2F%2F(?:(?!%3A)[^\s&@]){0,200}%3A)[^\s&]{0,4096}%40/gi
/** Values in `key=value;` lists can contain spaces. */
const LIST_ITEM = /(;\s{0,9}(?:password|passwd|pwd)\s{0,9}=\s{0,9})(?![\s{'"])[^;\n"'`]+/gi
/**
 * `password=…` in a query, a list of `key=value` or of `key: value`. A closing bracket, quote or comma ends a
 * value unless more follows it immediately. Sluice's errors name options and arguments: `"token": expected …`
 * has no value.
 */
const SECRET_PAIR =
  /([\w-]{0,40}(?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|signature|sslkey|authorization|(?<![a-z])(?:key|sig|pass|pw)))(["']?\s*[=:]\s*)(?!expected )('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|\{[^{}\n]{0,200}\}|(?:(?:basic|bearer)\s+)?(?:[^\s&;"'`,)}\]]|["'`,)}\]](?=[^\s&;"'`,)}\]:]))+)/gi

/**
 * Removes passwords from the addresses in a string: in `user:password@`, with and without a scheme, in query
 * parameters and in `key=value` lists. Everything else remains, so that the host is still visible.
 */
export function redact(text: string): string {
  return text
    .replace(USER_INFO, (_, scheme: string | undefined, userInfo: string, before: string, user: string) =>
      scheme === undefined
        ? `${before}${user}:${REDACTED}@`
        : `${scheme}${withoutPassword(scheme, userInfo)}@`,
    )
    .replace(SPACED_USER_INFO, `$1${REDACTED}@`)
    .replace(ENCODED_USER_INFO, `$1${REDACTED}%40`)
    .replace(LIST_ITEM, `$1${REDACTED}`)
    .replace(SECRET_PAIR, `$1$2${REDACTED}`)
}

/** Handles `user:password` and Redis's `:password`. A name alone is a token of some HTTP services. */
function withoutPassword(scheme: string, userInfo: string): string {
  const colon = userInfo.indexOf(':')
  if (colon >= 0) return `${userInfo.slice(0, colon)}:${REDACTED}`
  return /^https?:/i.test(scheme) ? REDACTED : userInfo
}

/** The scheme and the host of an address: path and query of a webhook contain its token. */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return redact(url)
  const { protocol, host } = new URL(url)
  return host === '' ? redact(url) : `${protocol}//${host}/${REDACTED}`
}
