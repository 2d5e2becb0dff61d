import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

const COOKIE = 'sluice-dashboard'
const MAX_SESSIONS = 32
/** Half a day. */
const LIFETIME_SECONDS = 43_200

/** Cookies of the name that are looked at: whoever sends more is up to something. */
const MAX_COOKIES = 4

interface Session {
  readonly digest: Buffer
  readonly until: number
}

/** What sessions of other processes are asked for: digests, as hexadecimal. */
export type SessionQuestion =
  /** Whether it is the key; if so, it is used up. */
  | { readonly key: string }
  /** Until when one of these is a session, in milliseconds since 1970; 0: none is. */
  | { readonly cookies: readonly string[] }

/** Asks the other processes of the app; one answer that is not 0 is enough. */
export type AskSessions = (question: SessionQuestion) => Promise<number>

/** Lets browsers in that were given a URL which is good once. Of secrets there are digests alone. */
export class Sessions {
  #key = newSecret()
  #sessions: Session[] = []

  /** @param now - Milliseconds since 1970. @param others - What one process has let in, all do: any of them may answer the next request. */
  constructor(
    private readonly now: () => number = Date.now,
    private readonly others: AskSessions = async () => 0,
  ) {}

  /** What the URL has to carry; another one once it was used. */
  get key(): string {
    return this.#key
  }

  /** Whether a request has the cookie of a session. */
  async has(request: IncomingMessage): Promise<boolean> {
    const digests = cookiesOf(request).slice(0, MAX_COOKIES).map(digestOf)
    if (this.#until(digests) > 0) return true
    const [digest] = digests
    if (digest === undefined) return false
    const until = await this.others({ cookies: digests.map((one) => one.toString('hex')) })
    if (until <= this.now()) return false
    // From now on this process knows, too.
    if (digests.length === 1) this.#keep({ digest, until })
    return true
  }

  /**
   * Exchanges the key for a session.
   *
   * @returns The cookie to set; `undefined`: it is not the key.
   */
  async exchange(key: string, path: string, isSecure: boolean): Promise<string | undefined> {
    const digest = digestOf(key)
    if (!this.#isUsed(digest) && (await this.others({ key: digest.toString('hex') })) === 0) return undefined
    const secret = newSecret()
    this.#keep({ digest: digestOf(secret), until: this.now() + LIFETIME_SECONDS * 1_000 })
    const secure = isSecure ? '; Secure' : ''
    return `${COOKIE}=${secret}; Path=${path}; Max-Age=${LIFETIME_SECONDS}; HttpOnly; SameSite=Strict${secure}`
  }

  /** Answers another process. */
  answer(question: SessionQuestion): number {
    if ('key' in question) return this.#isUsed(Buffer.from(question.key, 'hex')) ? 1 : 0
    return this.#until(question.cookies.slice(0, MAX_COOKIES).map((text) => Buffer.from(text, 'hex')))
  }

  clear(): void {
    this.#sessions = []
    this.#key = newSecret()
  }

  /** Whether it is the digest of the key; if so, there is another one from now on. */
  #isUsed(digest: Buffer): boolean {
    if (!isSame(digest, digestOf(this.#key))) return false
    this.#key = newSecret()
    return true
  }

  /** Until when the first of these that is a session is one; 0: none is. */
  #until(digests: readonly Buffer[]): number {
    const now = this.now()
    // All are compared, each in constant time.
    const found = this.#sessions.map(({ digest, until }) => (digests.some((one) => isSame(one, digest)) && until > now ? until : 0))
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

/** Every cookie of the name: another path's may be sent first. */
function cookiesOf({ headers }: IncomingMessage): string[] {
  const pairs = (headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.filter((pair) => pair.startsWith(`${COOKIE}=`)).map((pair) => pair.slice(COOKIE.length + 1))
}
