/** How an app's router parses paths. */
export interface PathReading {
  readonly isCaseSensitive: boolean
  readonly ignoresDuplicateSlashes: boolean
  /** Whether `;` also starts the query. */
  readonly splitsAtSemicolon: boolean
}

const ORIGIN = /^https?:\/\/[^/?#]*/i

/** Finds a route prefix in unmodified URLs, regardless of which characters are encoded. */
export class PathPrefix {
  readonly #segments: readonly string[]
  readonly #separator: RegExp

  constructor(
    prefix: string,
    private readonly reading: PathReading,
  ) {
    this.#segments = prefix.split('/').filter((segment) => segment !== '')
    this.#separator = reading.splitsAtSemicolon ? /[/?#;]/g : /[/?#]/g
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0
  }

  /** Returns the index at which the prefix ends in a URL; -1 if the URL is not below the prefix. */
  endIn(url: string): number {
    let at = ORIGIN.exec(url)?.[0].length ?? 0
    for (const segment of this.#segments) {
      if (url[at] !== '/') return -1
      at += 1
      if (this.reading.ignoresDuplicateSlashes) while (url[at] === '/') at += 1
      const end = this.#endOfSegment(url, at)
      if (!this.#isSame(segment, url.slice(at, end))) return -1
      at = end
    }
    return at
  }

  /** Replaces the prefix in a URL; `undefined` if the URL is not below the prefix. */
  replaceIn(url: string, text: string): string | undefined {
    const end = this.endIn(url)
    if (end < 0) return undefined
    const origin = ORIGIN.exec(url)?.[0] ?? ''
    const path = text + url.slice(end)
    return origin + (path.startsWith('/') ? path : `/${path}`)
  }

  #endOfSegment(url: string, from: number): number {
    this.#separator.lastIndex = from
    return this.#separator.exec(url)?.index ?? url.length
  }

  #isSame(segment: string, raw: string): boolean {
    // A route parameter matches any string.
    if (/(^|[^:]):(?!:)/.test(segment)) return true
    const unescaped = segment.replaceAll('::', ':')
    const { isCaseSensitive } = this.reading
    const found = decoded(raw)
    return found === unescaped || (!isCaseSensitive && found.toLowerCase() === unescaped.toLowerCase())
  }
}

function decoded(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
