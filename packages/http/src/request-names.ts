/** Maximum number of names. All other names are `(other)`. */
const MAX_NAMES = 1_000
/** Maximum number of names from paths, so that clients that try many paths leave room for routes. */
const MAX_PATHS = 200

/** Names requests by their route. The number of names is bounded, because metrics have a series per name. */
export class RequestNames {
  readonly #known = new Set<string>()
  /** By pattern and method: a new string for each request would have to be compared with all names. */
  readonly #routes = new Map<string, Map<string, string>>()
  #paths = 0

  /** @param pattern - The pattern of the route; `undefined`: no route matched. */
  ofRoute(method: string, pattern: string | undefined): string {
    if (pattern === undefined) return `${method} (unmatched)`
    return this.#routes.get(pattern)?.get(method) ?? this.#ofNewRoute(method, pattern)
  }

  #ofNewRoute(method: string, pattern: string): string {
    const name = this.#bounded(method, `${method} ${pattern}`, false)
    if (!this.#known.has(name)) return name
    const names = this.#routes.get(pattern) ?? new Map<string, string>()
    this.#routes.set(pattern, names.set(method, name))
    return name
  }

  /** Names a request whose route has no known pattern, by its path: ids are `:id` and files `*`. */
  ofPath(method: string, path: string): string {
    return this.#bounded(method, `${method} ${pathPattern(path)}`, true)
  }

  /**
   * Returns a name that `ofRoute` returned unchanged, and applies `ofPath` to the name of any other request.
   */
  of(name: string): string {
    if (this.#known.has(name)) return name
    const [, method, path] = /^([A-Z]{1,20}) (\/.*)$/s.exec(name) ?? []
    return method === undefined || path === undefined ? name : this.ofPath(method, path)
  }

  #bounded(method: string, name: string, isPath: boolean): string {
    if (this.#known.has(name)) return name
    if (this.#known.size >= MAX_NAMES || (isPath && this.#paths >= MAX_PATHS)) return `${method} (other)`
    this.#known.add(name)
    if (isPath) this.#paths += 1
    return name
  }
}

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
