import { errorMessage, plainLine } from '@sluice/core/siblings'
import { UsageError } from '../command.ts'
import { ConnectError, shownAddress } from '../connect/open-connection.ts'
import { EventStreamParser, type StreamEvent } from './event-stream.ts'

const ANSWER_MS = 10_000
/** Actions can read the schema of a database, or explain its statements. */
const ACTION_MS = 120_000
/** The dashboard sends a keep-alive every 15 seconds. */
const SILENCE_MS = 40_000

/** The dashboard does not respond, or sends an unexpected response. */
export class DashboardError extends ConnectError {
  /**
   * @param address - URL without the key.
   * @param isFinal - Whether a retry cannot succeed.
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

/** Client for the dashboard of a running app. */
export class DashboardClient {
  /** URL of the dashboard, without the key. */
  readonly address: string
  readonly #base: URL
  readonly #headers: Headers
  #key: string | undefined

  /**
   * @param url - The dashboard: `http://localhost:3000/_sluice`, or the URL with a key that the app printed.
   * @param headers - Headers for the `authorize` hook of the app.
   * @param silenceMs - Maximum milliseconds without data on a stream. Default: 40,000.
   * @throws UsageError for an invalid URL.
   */
  constructor(
    url: string,
    headers: Headers = new Headers(),
    private readonly silenceMs: number = SILENCE_MS,
  ) {
    const parsed = URL.canParse(url) ? new URL(url) : undefined
    if (parsed === undefined || !/^https?:$/.test(parsed.protocol))
      throw new UsageError(
        `--url: expected the URL of the dashboard, such as http://localhost:3000/_sluice, got ${shownAddress(url)}`,
      )
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
    return await this.#read(await this.#request(path, {}, signal))
  }

  /**
   * Performs an action, and returns its result.
   *
   * @throws DashboardError if the dashboard rejects it, or does not respond within 2 minutes.
   */
  async act(name: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
    // The dashboard accepts actions only from its own origin, so that pages of other sites cannot cause them.
    const headers = { origin: this.#base.origin, 'x-sluice-action': '1', 'content-type': 'application/json' }
    return await this.#read(await this.#request(`api/actions/${name}`, headers, signal, JSON.stringify(body)))
  }

  /**
   * Yields `open`, then the events of a stream until it ends.
   *
   * @param lastId - Id of the last received event, to resume after it; an empty string starts with a
   *   snapshot.
   * @throws DashboardError if the stream cannot be opened, breaks, or sends no data for too long.
   */
  async *events(path: string, lastId: string, signal: AbortSignal): AsyncGenerator<StreamEvent> {
    const silence = new AbortController()
    const any = AbortSignal.any([signal, silence.signal])
    const response = await this.#request(
      path,
      { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
      any,
    )
    const type = response.headers.get('content-type') ?? ''
    if (!type.startsWith('text/event-stream') || response.body === null) {
      await response.body?.cancel()
      throw this.#error(
        new Error(
          `expected an event stream, got ${plainLine(type) || 'no content type'}: check that the URL is that of a dashboard`,
        ),
        true,
      )
    }
    const parser = new EventStreamParser()
    const decoder = new TextDecoder()
    const timer = setTimeout(
      () => silence.abort(new Error(`no data for ${this.silenceMs / 1_000} s`)),
      this.silenceMs,
    )
    try {
      yield { event: 'open', id: '', data: '' }
      // The DOM types, which some packages include, do not declare iteration of streams.
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

  async #read(response: Response): Promise<unknown> {
    try {
      return (await response.json()) as unknown
    } catch (error) {
      throw this.#error(error, false)
    }
  }

  /** @param body - Makes the request a POST. */
  async #request(
    path: string,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
    body?: string,
  ): Promise<Response> {
    await this.#enter()
    const response = await this.#fetch(new URL(path, this.#base), headers, signal, body)
    if (response.ok) return response
    throw await this.#refusal(response)
  }

  /** Exchanges the single-use key for a cookie. */
  async #enter(): Promise<void> {
    if (this.#key === undefined) return
    const url = new URL(this.#base)
    url.searchParams.set('key', this.#key)
    const response = await this.#fetch(url, {})
    await response.body?.cancel()
    const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';', 1)[0] ?? '')
    if (cookies.length > 0) this.#headers.set('cookie', cookies.join('; '))
    // Without a cookie, the key was used before. The next request is then rejected, unless the app trusts
    // this machine.
    this.#key = undefined
  }

  /** Does not follow redirects, which could send the credentials to another origin. */
  async #fetch(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
    body?: string,
  ): Promise<Response> {
    const all = new Headers(this.#headers)
    for (const [name, value] of Object.entries(headers)) all.set(name, value)
    const late = new AbortController()
    const waitMs = body === undefined ? ANSWER_MS : ACTION_MS
    const timer = setTimeout(() => late.abort(new Error(`no response within ${waitMs / 1_000} s`)), waitMs)
    try {
      const signals = [late.signal, ...(signal === undefined ? [] : [signal])]
      const post = body === undefined ? {} : { method: 'POST', body }
      return await fetch(url, { ...post, headers: all, redirect: 'manual', signal: AbortSignal.any(signals) })
    } catch (error) {
      throw this.#error(late.signal.aborted ? late.signal.reason : error, false)
    } finally {
      clearTimeout(timer)
    }
  }

  async #refusal(response: Response): Promise<ConnectError> {
    const { status } = response
    const text = await response.text().catch(() => '')
    const serverMessage = messageIn(text)
    const final = status < 500
    if (status >= 300 && status < 400) {
      const to = plainLine(shownAddress(response.headers.get('location') ?? ''))
      return this.#error(new Error(`redirected to ${to}: use the URL of the dashboard itself`), true)
    }
    if (status === 401 || status === 403) {
      const how =
        'Use the URL that the app printed, or pass the credentials for its `authorize` hook with --token or --header.'
      return this.#error(new Error(`${status}: ${serverMessage ?? 'access denied.'} ${how}`), true)
    }
    if (status === 404)
      return this.#error(new Error('404: no dashboard at this path. Check where the app mounts it.'), true)
    return this.#error(
      new Error(`${status}${serverMessage === undefined ? '' : `: ${serverMessage}`}`),
      final,
    )
  }

  #error(cause: unknown, isFinal: boolean): DashboardError {
    // The message of `fetch` is only that it failed. The cause has the reason.
    const { cause: inner } = cause as { readonly cause?: unknown }
    const reason = inner instanceof Error ? inner : cause
    const text = errorMessage(reason)
    const shown = withoutAny(secretsIn(this.#headers), text)
    return new DashboardError(this.address, shown === text ? reason : new Error(shown), isFinal)
  }
}

const MIN_SECRET = 4

/** The values of headers, and their parts: a server can repeat any of them in an error. */
function secretsIn(headers: Headers): readonly string[] {
  const found = [...headers.values()].flatMap((value) => {
    const parts = value.split(/[\s;,]+/).flatMap((part) => [part, part.slice(part.indexOf('=') + 1)])
    const basic = /^basic\s+(\S+)$/i.exec(value)?.[1]
    const pair =
      basic === undefined
        ? []
        : [
            Buffer.from(basic, 'base64')
              .toString()
              .replace(/^[^:]*:/, ''),
          ]
    return [value, ...parts, ...pair].filter((part) => !/^(?:basic|bearer|token|digest)$/i.test(part))
  })
  return found.filter(({ length }) => length >= MIN_SECRET).sort((left, right) => right.length - left.length)
}

function withoutAny(secrets: readonly string[], text: string): string {
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, '***'), text)
}

function messageIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: unknown } }
    return typeof error?.message === 'string' ? plainLine(error.message) : undefined
  } catch {
    return undefined
  }
}
