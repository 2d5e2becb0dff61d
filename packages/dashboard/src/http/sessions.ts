import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const COOKIE = 'sluice-dashboard'
const MAX_SESSIONS = 32
/** 12 hours. */
const LIFETIME_SECONDS = 43_200

/** Maximum number of cookies to check. No regular browser sends more. */
const MAX_COOKIES = 4

interface Session {
  readonly digest: Buffer
  readonly until: number
}

/** A question to the sessions of other processes, with digests as hexadecimal strings. */
export type SessionQuestion =
  /** Whether this is the key. If so, the key is used up. */
  | { readonly key: string }
  /** When the session of one of these cookies expires, in milliseconds since 1970; 0 without a session. */
  | { readonly cookies: readonly string[] }

/** Asks the other processes. Returns a result other than 0 if any of them returns one. */
export type QuerySessions = (question: SessionQuestion) => Promise<number>

/** Sessions of browsers that opened the URL with the one-time key. Secrets are stored only as digests. */
export class Sessions {
  #key = newSecret()
  #sessions: Session[] = []

  /**
   * @param now - Milliseconds since 1970.
   * @param others - Other processes accept each other's sessions, because any of them can receive the next
   * request.
   */
  constructor(
    private readonly now: () => number = Date.now,
    private readonly others: QuerySessions = async () => 0,
  ) {}

  /** The key in the URL. It changes after each use. */
  get key(): string {
    return this.#key
  }

  /** Whether a request has the cookie of a valid session. */
  async has(request: IncomingMessage): Promise<boolean> {
    const digests = cookiesOf(request).slice(0, MAX_COOKIES).map(digestOf)
    if (this.#until(digests) > 0) return true
    const [digest] = digests
    if (digest === undefined) return false
    const until = await this.others({ cookies: digests.map((one) => one.toString('hex')) })
    if (until <= this.now()) return false
    // Store the session in this process, too.
    if (digests.length === 1) this.#keep({ digest, until })
    return true
  }

  /**
   * Exchanges the key for a session.
   *
   * @returns The cookie to set; `undefined` for a wrong key.
   */
  async exchange(key: string, path: string, isSecure: boolean): Promise<string | undefined> {
    const digest = digestOf(key)
    if (!this.#isUsed(digest) && (await this.others({ key: digest.toString('hex') })) === 0) return undefined
    const secret = newSecret()
    this.#keep({ digest: digestOf(secret), until: this.now() + LIFETIME_SECONDS * 1_000 })
    const secure = isSecure ? '; Secure' : ''
    return `${COOKIE}=${secret}; Path=${path}; Max-Age=${LIFETIME_SECONDS}; HttpOnly; SameSite=Strict${secure}`
  }

  /** Answers a question of another process. */
  answer(question: SessionQuestion): number {
    if ('key' in question) return this.#isUsed(Buffer.from(question.key, 'hex')) ? 1 : 0
    return this.#until(question.cookies.slice(0, MAX_COOKIES).map((text) => Buffer.from(text, 'hex')))
  }

  clear(): void {
    this.#sessions = []
    this.#key = newSecret()
  }

  /** Whether this is the digest of the key. If so, the key is replaced. */
  #isUsed(digest: Buffer): boolean {
    if (!isSame(digest, digestOf(this.#key))) return false
    this.#key = newSecret()
    return true
  }

  /** When the session of one of these digests expires; 0 without a session. */
  #until(digests: readonly Buffer[]): number {
    const now = this.now()
    // Compare all sessions, each in constant time.
    const found = this.#sessions.map(({ digest, until }) =>
      digests.some((one) => isSame(one, digest)) && until > now ? until : 0,
    )
    return Math.max(0, ...found)
  }

  #keep(session: Session): void {
    this.#sessions = [...this.#sessions, session].slice(-MAX_SESSIONS)
  }
}

function isSame(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}

function newSecret(): string {
  return randomBytes(24).toString('base64url')
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** All cookies of this name: a browser can send a cookie of another path first. */
function cookiesOf({ headers }: IncomingMessage): string[] {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.filter((pair) => pair.startsWith(`${COOKIE}=`)).map((pair) => pair.slice(COOKIE.length + 1))
}
