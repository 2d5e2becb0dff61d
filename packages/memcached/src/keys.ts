import { hash as digest } from 'node:crypto'

/** Hashing a tag takes as long as the rest of its read: the keys of this many tags are remembered. */
const MAX_TAGS = 50_000

/** The keys of a store: at most 250 bytes without spaces, as Memcached requires. */
export class Keys {
  /** On the state server: which server it is. */
  readonly identity: string
  /** On entry servers: the identity of the state server. */
  readonly stateIdentity: string
  readonly #tags = new Map<string, string>()

  /** @param namespace - 1 to 64 letters, digits, `.`, `_` and `-`. */
  constructor(private readonly namespace: string) {
    this.identity = `${namespace}:id`
    this.stateIdentity = `${namespace}:state`
  }

  /** The log of a tag. That of the tag of everything is the log of the epoch. */
  tag(tag: string): string {
    const known = this.#tags.get(tag)
    if (known !== undefined) return known
    if (this.#tags.size >= MAX_TAGS) this.#tags.clear()
    const key = `${this.namespace}:t:${hash(tag)}`
    this.#tags.set(tag, key)
    return key
  }

  /** The result is a hash: it does not reveal the contents of `key`. */
  entry(key: string): string {
    return `${this.namespace}:e:${hash(key)}`
  }

  claim(key: string): string {
    return `${this.namespace}:c:${hash(key)}`
  }
}

function hash(text: string): string {
  // UTF-8 has no unpaired surrogates: different keys would become one.
  return /\p{Cs}/u.test(text)
    ? `${digest('sha256', Buffer.from(text, 'utf16le'), 'base64url')}~`
    : digest('sha256', text, 'base64url')
}
