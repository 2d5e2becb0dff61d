import type { Delta, ErrorBody, Snapshot } from '../../../src/protocol/index.ts'
import { EventStreamParser, type StreamEvent } from './event-stream-parser.ts'

/** State of the connection to the app. */
export type LinkStatus =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** Closed, because no tab is visible. */
  | { readonly kind: 'asleep' }
  /** Not connected. The next attempt is at `retryAt`, in milliseconds since 1970. */
  | { readonly kind: 'lost'; readonly retryAt: number; readonly attempt: number; readonly reason: string }
  /** The app denied access. There is no automatic retry. */
  | { readonly kind: 'refused'; readonly reason: string }

interface LinkEvents {
  readonly onStatus: (status: LinkStatus) => void
  readonly onSnapshot: (snapshot: Snapshot) => void
  readonly onDelta: (delta: Delta) => void
}

/** The server writes a comment every 15 s. After 3 missing comments, the connection counts as lost. */
const SILENCE_MS = 45_000

/**
 * The event stream of the app, open while it is needed. It resumes after the last event, retries with
 * exponential backoff, and stops if the app denies access.
 */
export class Link {
  #lastId = ''
  #attempt = 0
  #open: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isEnabled = false

  constructor(
    private readonly url: string,
    private readonly events: LinkEvents,
  ) {}

  goOnFrom(id: string): void {
    this.#lastId = id
  }

  /** Opens the stream, or retries immediately. */
  start(): void {
    this.#isEnabled = true
    if (this.#open !== undefined) return
    clearTimeout(this.#timer)
    this.#connect()
  }

  stop(): void {
    this.#isEnabled = false
    clearTimeout(this.#timer)
    this.#open?.abort()
    this.#open = undefined
    this.events.onStatus({ kind: 'asleep' })
  }

  async #connect(): Promise<void> {
    const open = new AbortController()
    this.#open = open
    this.events.onStatus({ kind: 'connecting' })
    let reason = 'The app closed the connection.'
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream' }
      if (this.#lastId !== '') headers['last-event-id'] = this.#lastId
      const response = await fetch(this.url, { headers, signal: open.signal })
      if (response.status === 401 || response.status === 403) {
        this.#refused(open, await messageOf(response))
        return
      }
      if (!response.ok || response.body === null) throw new Error(await messageOf(response))
      // A resumed stream may contain no event yet, so report the connection now.
      if (this.#lastId !== '') this.events.onStatus({ kind: 'live' })
      await this.#read(response.body, open)
    } catch (error) {
      if (open.signal.aborted && this.#open !== open) return
      reason =
        error instanceof TypeError
          ? 'The app does not respond.'
          : error instanceof Error
            ? error.message
            : String(error)
    }
    if (this.#open === open) this.#lost(reason)
  }

  async #read(body: ReadableStream<Uint8Array>, open: AbortController): Promise<void> {
    const parser = new EventStreamParser((event) => this.#take(event))
    const reader = body
      .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
      .getReader()
    let silence: ReturnType<typeof setTimeout> | undefined
    const watch = () => {
      clearTimeout(silence)
      silence = setTimeout(() => open.abort(new Error('No data received for 45 seconds.')), SILENCE_MS)
    }
    watch()
    try {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        watch()
        parser.push(value)
      }
    } finally {
      clearTimeout(silence)
      reader.cancel().catch(() => undefined)
    }
  }

  #take({ event, data, id }: StreamEvent): void {
    if (event === 'snapshot') this.events.onSnapshot(JSON.parse(data) as Snapshot)
    else if (event === 'delta') this.events.onDelta(JSON.parse(data) as Delta)
    else return
    this.#lastId = id
    if (this.#attempt !== -1) {
      this.#attempt = -1
      this.events.onStatus({ kind: 'live' })
    }
  }

  #lost(reason: string): void {
    this.#open = undefined
    if (!this.#isEnabled) return
    this.#attempt = Math.max(0, this.#attempt) + 1
    const waitMs = backoffMs(this.#attempt, Math.random())
    this.events.onStatus({ kind: 'lost', retryAt: Date.now() + waitMs, attempt: this.#attempt, reason })
    this.#timer = setTimeout(() => this.#connect(), waitMs)
  }

  #refused(open: AbortController, reason: string): void {
    if (this.#open !== open) return
    this.#open = undefined
    this.#lastId = ''
    this.events.onStatus({ kind: 'refused', reason })
  }
}

async function messageOf(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as Partial<ErrorBody>
    if (typeof body.error?.message === 'string') return body.error.message
  } catch {
    // Not a response of the dashboard, for example the error page of a proxy.
  }
  return `The app responded with status ${response.status}.`
}

const FIRST_MS = 500
const MOST_MS = 30_000

/**
 * Time until the next attempt to connect: exponential backoff up to 30 s, with 50% jitter so that many
 * browsers do not reconnect at the same time.
 *
 * @param attempt - Number of consecutive failed attempts, from 1.
 * @param random - From 0 to 1.
 */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 16))
  return full / 2 + (random * full) / 2
}
