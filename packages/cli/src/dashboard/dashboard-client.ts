import { plainLine } from '@sluice/core/siblings'
import { UsageError } from '../command.ts'
import { ConnectError, shownAddress } from '../connect/own-connection.ts'
import { EventStreamParser, type StreamEvent } from './event-stream.ts'

const ANSWER_MS = 10_000
/** The dashboard says every 15 seconds that it is there. */
const SILENCE_MS = 40_000

/** The dashboard does not answer, or answers something else than was asked for. */
export class DashboardError extends ConnectError {
  /**
   * @param address - Without a key.
   * @param isFinal - Whether asking again is of no use.
   */
  constructor(
    address: string,
    cause: unknown,
    readonly isFinal: boolean,
  ) {
    super(address, cause)
    this.name = 'DashboardError'
  }
}

/** Asks the dashboard of a running app. */
export class DashboardClient {
  /** Where it is, without a key. */
  readonly address: string
  readonly #base: URL
  readonly #headers: Headers
  #key: string | undefined

  /**
   * @param url - Of the dashboard: `http://localhost:3000/_sluice`, or the one with a key that the app printed.
   * @param headers - What `authorize` of the app goes by.
   * @param silenceMs - How long a stream may be silent.
   * @throws UsageError for what is no such URL.
   */
  constructor(
    url: string,
    headers: Headers = new Headers(),
    private readonly silenceMs: number = SILENCE_MS,
  ) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined
    if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
      throw new UsageError(`--url: expected the dashboard's address, such as http://localhost:3000/_sluice, got ${shownAddress(url)}`)
    this.#key = parsed.searchParams.get('key') ?? undefined
    this.#headers = new Headers(headers)
    if (parsed.username !== '' && !this.#headers.has('authorization')) {
      const pair = `${decodeURIComponent(parsed.username)}:${decodeURIComponent(parsed.password)}`
      this.#headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`)
    }
    parsed.username = ''
    parsed.password = ''
    parsed.search = ''
    parsed.hash = ''
    parsed.pathname = parsed.pathname.endsWith('/') ? parsed.pathname : `${parsed.pathname}/`
    this.#base = parsed
    this.address = parsed.href.replace(/\/$/, '')
  }

  /** @throws DashboardError */
  async json(path: string, signal?: AbortSignal): Promise<unknown> {
    const response = await this.#ask(path, {}, signal)
    try {
      return (await response.json()) as unknown
    } catch (error) {
      throw this.#error(error, false)
    }
  }

  /**
   * The events of a stream, until it ends; the first is an `open` of our own.
   *
   * @param lastId - Where to go on.
   * @throws DashboardError where it cannot be opened, breaks, or is silent for too long.
   */
  async *events(path: string, lastId: string, signal: AbortSignal): AsyncGenerator<StreamEvent> {
    const silence = new AbortController()
    const any = AbortSignal.any([signal, silence.signal])
    const response = await this.#ask(path, { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) }, any)
    const type = response.headers.get('content-type') ?? ''
    if (!type.startsWith('text/event-stream') || response.body === null) {
      await response.body?.cancel()
      throw this.#error(new Error(`it answers ${plainLine(type) || 'nothing'}, where a dashboard has its stream`), true)
    }
    const parser = new EventStreamParser()
    const decoder = new TextDecoder()
    const timer = setTimeout(() => silence.abort(new Error(`silent for ${this.silenceMs / 1_000} s`)), this.silenceMs)
    try {
      yield { event: 'open', id: '', data: '' }
      // Types of browsers, where a package brings them, know no iteration of streams.
      for await (const piece of response.body as AsyncIterable<Uint8Array> & ReadableStream<Uint8Array>) {
        timer.refresh()
        yield* parser.push(decoder.decode(piece, { stream: true }))
      }
    } catch (error) {
      if (signal.aborted) return
      throw this.#error(silence.signal.aborted ? silence.signal.reason : error, false)
    } finally {
      clearTimeout(timer)
    }
  }

  async #ask(path: string, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response> {
    await this.#enter()
    const response = await this.#fetch(new URL(path, this.#base), headers, signal)
    if (response.ok) return response
    throw await this.#refusal(response)
  }

  /** Exchanges the key for a cookie: it is good once. */
  async #enter(): Promise<void> {
    if (this.#key === undefined) return
    const url = new URL(this.#base)
    url.searchParams.set('key', this.#key)
    const response = await this.#fetch(url, {})
    await response.body?.cancel()
    const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0] ?? '')
    if (cookies.length > 0) this.#headers.set('cookie', cookies.join('; '))
    // Without a cookie it was used before: what is asked next is refused, or this machine is trusted anyway.
    this.#key = undefined
  }

  /** Goes where it is told to, on this origin alone: nobody else is shown what lets us in. */
  async #fetch(url: URL, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response> {
    const all = new Headers(this.#headers)
    for (const [name, value] of Object.entries(headers)) all.set(name, value)
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(new Error(`no answer in ${ANSWER_MS / 1_000} s`)), ANSWER_MS)
    try {
      const signals = [late.signal, ...(signal === undefined ? [] : [signal])]
      return await fetch(url, { headers: all, redirect: 'manual', signal: AbortSignal.any(signals) })
    } catch (error) {
      throw this.#error(late.signal.aborted ? late.signal.reason : error, false)
    } finally {
      clearTimeout(timer)
    }
  }

  async #refusal(response: Response): Promise<ConnectError> {
    const { status } = response
    const text = await response.text().catch(() => '')
    const told = messageIn(text)
    const final = status < 500
    if (status >= 300 && status < 400) {
      const to = plainLine(shownAddress(response.headers.get('location') ?? ''))
      return this.#error(new Error(`it leads to ${to}: give the dashboard's own address`), true)
    }
    if (status === 401 || status === 403) {
      const how = 'Give the URL that the app printed, or what its `authorize` goes by with --token or --header.'
      return this.#error(new Error(`${status}: ${told ?? 'not let in'} ${how}`), true)
    }
    if (status === 404) return this.#error(new Error('404: there is no dashboard. Is it mounted at this path?'), true)
    return this.#error(new Error(`${status}${told === undefined ? '' : `: ${told}`}`), final)
  }

  #error(cause: unknown, isFinal: boolean): DashboardError {
    // What `fetch` says itself is no more than that it failed.
    const { cause: inner } = cause as { readonly cause?: unknown }
    return new DashboardError(this.address, inner instanceof Error ? inner : cause, isFinal)
  }
}

/** What the dashboard says why. */
function messageIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: unknown } }
    return typeof error?.message === 'string' ? plainLine(error.message) : undefined
  } catch {
    return undefined
  }
}
