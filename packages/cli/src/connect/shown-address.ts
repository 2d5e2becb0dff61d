/** An address that may be shown: without password and parameters, whatever is wrong with it. */
export function shownAddress(url: string): string {
  const scheme = /^[a-z][\w+.-]*:\/\//i.exec(url)?.[0]
  if (scheme === undefined) return withoutParameters(url)
  const rest = url.slice(scheme.length)
  if (URL.canParse(url)) {
    const { username, host, pathname } = new URL(url)
    return `${scheme}${username === '' ? '' : `${username}@`}${host}${pathname}`
  }
  // What cannot be parsed may have a password with any character in it: where it ends is not known.
  const at = rest.lastIndexOf('@')
  return at < 0 ? `${scheme}${withoutParameters(rest)}` : `${scheme}…@${withoutParameters(rest.slice(at + 1))}`
}

function withoutParameters(text: string): string {
  return text.replace(/\?.*$/s, '')
}
