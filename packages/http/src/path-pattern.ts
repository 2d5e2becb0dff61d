/** Paths that contain neither an id nor a file, and no query. */
const PLAIN = /^(?:\/[a-z_-]{0,39}){1,8}$/i
/** Not the `?` of an optional parameter in a pattern. */
const QUERY = /\?[\w.%~[\]-]+(?:[=&].*)?$/s
const FILE = /^[^@]*\.[a-z][a-z\d]{0,9}$/i
const MAX_SEGMENTS = 8
const MAX_LENGTH = 40

/**
 * Returns the path of a request as a pattern: `/cities/7` is `/cities/:id`, and `/assets/app.3f2a.js` is
 * `/assets/*`. A pattern is returned unchanged unless it ends like a file name.
 */
export function pathPattern(url: string): string {
  if (PLAIN.test(url)) return url
  const segments = url.replace(QUERY, '').split('/')
  const last = segments.at(-1) as string
  // All files below a directory are one name, such as those of a static mount at the root.
  if (FILE.test(last)) return segments.length > 2 ? `/${groupOf(segments[1] as string)}/*` : '/*'
  const shown = segments.slice(0, MAX_SEGMENTS + 1).map(groupOf)
  return segments.length > shown.length ? `${shown.join('/')}/*` : shown.join('/')
}

function groupOf(segment: string): string {
  return isId(segment) ? ':id' : segment
}

/** Whether a segment is a number, a UUID, a hash, a token, an address, or other text from a user. */
function isId(segment: string): boolean {
  if (/^[:*({]/.test(segment)) return false
  if (segment.length > MAX_LENGTH || /[%@,;=+ ]|[^!-~]/.test(segment)) return true
  if (!/\d/.test(segment)) return false
  return /^-?\d[\d.:_-]*$/.test(segment) || /^[\da-f-]{8,}$/i.test(segment) || /^[\w.~-]{16,}$/.test(segment)
}
