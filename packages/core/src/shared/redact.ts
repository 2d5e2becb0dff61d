/** A place-holder for redacted text, valid in URLs. */
const REDACTED = '***'
const WORD = /\S+/g
const SCHEME_END = /(?<=[a-z\d]):\/\//i
const MAX_SCHEME = 60
const NOT_IN_SCHEME = /[^a-z\d+.:-]/i
/** `user:` without a scheme before it. */
const USER = /(?<=^|[\s"'`(=/,;[{<])[^\s:/@"'`()=,;[{<]+:(?!\/\/)/
const HOST_START = /[\w.[-]/
/** A part of a line that an `@` before a host may end. */
const LINE_PART = /[^\n@"'`]+(@(?=[\w.[-]))?/g
/** `scheme://user:`, but not a port, after which another address may follow. */
const SPACED_USER = /(?<=[a-z\d]):\/\/[^\s:@/]*:(?!\d{1,5}(?:[^\w@]|$))/i
/** Maximum length of a user and a password with white space, so that unrelated sentences remain. */
const MAX_SPACED = 600
const PARAMETER = /[^\s&]+/g
const ENCODED_AT = '%40'
const ENCODED_USER = /%3A%2F%2F(?:(?!%3A)[^@])*%3A/i
/** Values in `key=value;` lists can contain spaces. */
const LIST_ITEM = /(;\s{0,9}(?:password|passwd|pwd)\s{0,9}=\s{0,9})(?![\s{'"])[^;\n"'`]+/gi
/**
 * `password=…` in a query, a list of `key=value` or of `key: value`. A closing bracket, quote or comma ends a
 * value unless more follows it immediately. Sluice's errors name options and arguments: `"token": expected …`
 * has no value.
 */
const SECRET_PAIR =
  /((?:password|passwd|pwd|passphrase|secret|token|api[_-]?key|access[_-]?key|signature|sslkey|authorization|(?<![a-z])(?:key|sig|pass|pw))["']?\s*[=:]\s*)(?!expected )('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|\{[^{}\n]*\}|(?:(?:basic|bearer)\s+)?(?:[^\s&;"'`,)}\]]|["'`,)}\]](?=[^\s&;"'`,)}\]:]))+)/gi

/**
 * Headers whose values contain white space and `;`: cookies, and credentials whose scheme is neither
 * `basic` nor `bearer`.
 */
const SECRET_HEADER =
  /(\b(?:set-)?cookie2?["']?\s{0,9}[:=]\s{0,9})(?!expected )(\[[^\]]*\]?|'(?:[^'\\\n]|\\.)*'?|"(?:[^"\\\n]|\\.)*"?|(?=[^\s=:"']{1,64}=)[^\r\n]*)|(\b(?:(?:proxy-)?authorization|x-sluice-node-auth)["']?\s{0,9}[:=]\s{0,9})(?!expected |["']?(?:basic|bearer)\s)('(?:[^'\\\n]|\\.)*'?|"(?:[^"\\\n]|\\.)*"?|[^\s"'][^\r\n]*)/gi
/** A name and a value in a list of raw headers. */
const RAW_HEADER =
  /(["'][\w-]{0,40}(?:cookie2?|authorization|token|api-?key|secret|node-auth)["']\s{0,9},\s{0,9})('(?:[^'\\\n]|\\.)*'?|"(?:[^"\\\n]|\\.)*"?)/gi

/**
 * Removes passwords from the addresses in a string: in `user:password@`, with and without a scheme, in query
 * parameters and in `key=value` lists; and the values of headers that contain credentials. Everything else
 * remains, so that the host is still visible. The time is linear: each expression reads a character a bounded
 * number of times.
 */
export function redact(text: string): string {
  let shown = text
  if (shown.includes('@'))
    shown = shown.replace(WORD, withoutUserInfo).replace(LINE_PART, withoutSpacedPassword)
  if (shown.includes(ENCODED_AT)) shown = shown.replace(PARAMETER, withoutEncodedPassword)
  return shown
    .replace(LIST_ITEM, `$1${REDACTED}`)
    .replace(SECRET_HEADER, `$1$3${REDACTED}`)
    .replace(RAW_HEADER, `$1${REDACTED}`)
    .replace(SECRET_PAIR, `$1${REDACTED}`)
}

/**
 * `scheme://user:password@`, and `user:password@`. A password may contain any character but white space: it
 * ends at the last `@`.
 */
function withoutUserInfo(word: string): string {
  const end = word.lastIndexOf('@')
  if (end < 0) return word
  const scheme = schemeIn(word.slice(0, end))
  const at = lastBeforeHost(word, end)
  const user = at < 0 ? null : USER.exec(word.slice(0, at))
  if (user !== null && (scheme === undefined || user.index < scheme.start))
    return `${word.slice(0, user.index + user[0].length)}${REDACTED}${withoutUserInfo(word.slice(at))}`
  if (scheme === undefined) return word
  const userInfo = withoutPassword(word.slice(scheme.end, end), scheme.isHttp)
  return `${word.slice(0, scheme.end)}${userInfo}${word.slice(end)}`
}

/** The first scheme of a word, which can have several parts: `jdbc:mysql://`. */
function schemeIn(
  word: string,
): { readonly start: number; readonly end: number; readonly isHttp: boolean } | undefined {
  const found = SCHEME_END.exec(word)
  if (found === null) return undefined
  const before = Math.max(0, found.index - MAX_SCHEME)
  const last = word.slice(before, found.index).split(NOT_IN_SCHEME).at(-1) ?? ''
  const name = last.replace(/^[^a-z]+/i, '')
  return {
    start: found.index - name.length,
    end: found.index + found[0].length,
    isHttp: /(?:^|:)https?$/i.test(name),
  }
}

/** The last `@` up to a position after which a host may begin. `-1`: there is none. */
function lastBeforeHost(word: string, from: number): number {
  let at = from
  while (at >= 0 && !HOST_START.test(word.charAt(at + 1))) at = at === 0 ? -1 : word.lastIndexOf('@', at - 1)
  return at
}

/** Handles `user:password` and Redis's `:password`. A name alone is a token of some HTTP services. */
function withoutPassword(userInfo: string, isHttp: boolean): string {
  const colon = userInfo.indexOf(':')
  if (colon >= 0) return `${userInfo.slice(0, colon)}:${REDACTED}`
  return isHttp ? REDACTED : userInfo
}

/** A password with white space, which should have been encoded. */
function withoutSpacedPassword(part: string, at: string | undefined): string {
  if (at === undefined) return part
  const start = Math.max(0, part.length - MAX_SPACED)
  const user = SPACED_USER.exec(part.slice(start))
  if (user === null) return part
  const end = start + user.index + user[0].length
  return end === part.length - 1 ? part : `${part.slice(0, end)}${REDACTED}@`
}

/** An address in a parameter of another. */
function withoutEncodedPassword(parameter: string): string {
  const end = parameter.lastIndexOf(ENCODED_AT)
  if (end < 0) return parameter
  const user = ENCODED_USER.exec(parameter.slice(0, end))
  if (user === null) return parameter
  return `${parameter.slice(0, user.index + user[0].length)}${REDACTED}${parameter.slice(end)}`
}

/** The scheme and the host of an address: path and query of a webhook contain its token. */
export function redactUrl(url: string): string {
  if (!URL.canParse(url)) return redact(url)
  const { protocol, host } = new URL(url)
  return host === '' ? redact(url) : `${protocol}//${host}/${REDACTED}`
}

/** Longer than any secret that is not recognized if its end is missing, with the text around it. */
const MARGIN = 8_192

/**
 * The first `maxLength` characters of a string, without passwords. Linear in `maxLength`, not in the length
 * of the string, and contains no part of a password that is cut off.
 */
export function redactStart(text: string, maxLength: number): string {
  const end = maxLength + MARGIN
  if (text.length <= end) return cut(redact(text), maxLength)
  // A password that is cut off at `end` begins within the margin, which is dropped again.
  const redacted = redact(text.slice(0, end))
  return cut(redacted, Math.min(maxLength, Math.max(0, redacted.length - MARGIN)))
}

/** Copies: a slice would retain the whole string. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : Buffer.from(text.slice(0, length)).toString()
}
