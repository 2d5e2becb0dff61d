import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** Told of a response as it is made. None of them may throw. */
export interface CaptureListener {
  /**
   * All of it is known, and nothing is sent yet: headers may be changed.
   *
   * @param body - `undefined`: it is too large.
   * @returns Whether the body is to be sent.
   */
  whole(body: Buffer | undefined): boolean
  /** The head of what was told whole is written, with what others added to it at the last moment. */
  sent(): void
  /** The last part was given, and the head was sent before. @param body - `undefined`: it is too large, or has trailers. */
  ended(body: Buffer | undefined): void
  /** It was given up: the client has gone, the app cut it, or Node refused it. */
  cut(): void
}

type WriteArguments = [chunk: unknown, encoding?: BufferEncoding | Callback | null, callback?: Callback]
type Callback = (error?: Error | null) => void
type Headers = OutgoingHttpHeaders | readonly OutgoingHttpHeader[] | readonly (readonly [string, OutgoingHttpHeader])[]

/**
 * Watches a response of `node:http` as an app, a framework or a middleware writes it. Its head is held back until there is a body or none, so that
 * what is known by then can stand in it. Parts of a body are passed on as they come.
 */
export function captureResponse(response: ServerResponse, maxBytes: number, listener: CaptureListener): void {
  const { writeHead, write, end, flushHeaders, addTrailers } = response
  const given = { writeHead, write, end } as unknown as Record<'writeHead' | 'write' | 'end', (...args: unknown[]) => unknown>
  keepHeadersReadable(response)
  let state: 'open' | 'parts' | 'ended' = 'open'
  let parts: Buffer[] | undefined = []
  let size = 0

  const take = (chunk: unknown, encoding: unknown) => {
    const part = bufferOf(chunk, encoding)
    size += part?.length ?? 0
    if (part === undefined || size > maxBytes) parts = undefined
    else parts?.push(part)
  }

  response.writeHead = ((...args: unknown[]) => {
    const [status, ...rest] = args
    const isPlain = state === 'open' && Number.isInteger(status) && (status as number) >= 200 && (status as number) < 1_000
    if (!isPlain) return given.writeHead.apply(response, args)
    applyHead(response, status as number, rest)
    headsGiven.add(response)
    return response
  }) as typeof writeHead
  Object.defineProperty(response, 'headersSent', HEADERS_SENT)
  response.flushHeaders = () => {
    if (state === 'open') state = 'parts'
    flushHeaders.call(response)
  }
  response.addTrailers = (headers) => {
    parts = undefined
    addTrailers.call(response, headers)
  }
  response.write = ((...args: WriteArguments) => {
    const [chunk, encoding] = args
    if (state === 'open') state = 'parts'
    if (state === 'parts') take(chunk, encoding)
    return given.write.apply(response, args)
  }) as typeof write
  response.end = ((...args: unknown[]) => {
    const [chunk, encoding] = args
    const hasChunk = chunk !== undefined && chunk !== null && typeof chunk !== 'function'
    const before = state
    if (hasChunk && before !== 'ended') take(chunk, encoding)
    state = 'ended'
    const body = parts === undefined || before === 'ended' ? undefined : Buffer.concat(parts)
    parts = undefined
    if (before !== 'open') {
      if (before === 'parts') listener.ended(body)
      return given.end.apply(response, args)
    }
    const callback = args.find((arg) => typeof arg === 'function')
    const used = listener.whole(body) ? args : callback === undefined ? [] : [callback]
    try {
      const ended = given.end.apply(response, used)
      listener.sent()
      return ended
    } catch (error) {
      listener.cut()
      throw error
    }
  }) as typeof end
  response.once('close', () => {
    if (state === 'ended') return
    state = 'ended'
    listener.cut()
  })
}

/** Responses whose head was given, and is held back. */
const headsGiven = new WeakSet<object>()

/** One for all responses: with a function each, the engine would know no two of them as alike, and be slow with every one. */
const HEADERS_SENT: PropertyDescriptor & ThisType<ServerResponse> = {
  configurable: true,
  get() {
    return headsGiven.has(this) || isHeadSent(this)
  },
}

/** Headers that are given to `writeHead` alone, Node sends without noting them; as soon as one was set before, it notes them all. */
function keepHeadersReadable(response: ServerResponse): void {
  if (response.getHeaderNames().length > 0 || response.headersSent) return
  response.setHeader('Age', '0')
  response.removeHeader('Age')
}

/** Whether it is on its way, and not merely given. */
export function isHeadSent(response: ServerResponse): boolean {
  return Reflect.get(Object.getPrototypeOf(response), 'headersSent', response) === true
}

/** What `writeHead` is given, as headers that can still be changed. */
function applyHead(response: ServerResponse, status: number, rest: readonly unknown[]): void {
  const [first, second] = rest
  response.statusCode = status
  if (typeof first === 'string') response.statusMessage = first
  const headers = (typeof first === 'string' ? second : (first ?? second)) as Headers | undefined | null
  if (headers === undefined || headers === null) return
  const all = new Map<string, OutgoingHttpHeader[]>()
  for (const [name, value] of entriesOf(headers)) {
    const values = all.get(name) ?? []
    all.set(name, values.concat(value as never))
  }
  for (const [name, values] of all) response.setHeader(name, values.length === 1 ? (values[0] as OutgoingHttpHeader) : (values as string[]))
}

function entriesOf(headers: Headers): readonly (readonly [string, OutgoingHttpHeader])[] {
  if (!Array.isArray(headers)) return Object.entries(headers as OutgoingHttpHeaders) as [string, OutgoingHttpHeader][]
  if (Array.isArray(headers[0])) return headers as readonly (readonly [string, OutgoingHttpHeader])[]
  const entries: [string, OutgoingHttpHeader][] = []
  for (let at = 0; at + 1 < headers.length; at += 2) entries.push([String(headers[at]), headers[at + 1] as OutgoingHttpHeader])
  return entries
}

/** `undefined`: Node will refuse it. */
function bufferOf(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (typeof chunk === 'string') return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  // A copy: its owner may use it again.
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : undefined
}
