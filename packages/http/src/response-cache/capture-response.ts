import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'

/** Receives the parts of a response as the app writes it. No method may throw. */
export interface CaptureListener {
  /**
   * The whole response is known and nothing has been sent: headers can still be changed.
   *
   * @param body - `undefined`: it is too large.
   * @returns Whether to send the body.
   */
  whole(body: Buffer | undefined): boolean
  /**
   * The head of a response that `whole` received is written, including headers that other code added last.
   */
  sent(): void
  /**
   * The last part was written, and the head was sent before.
   *
   * @param body - `undefined`: it is too large, or has trailers.
   */
  ended(body: Buffer | undefined): void
  /** The response was interrupted: the client disconnected, the app destroyed it, or Node rejected it. */
  cut(): void
}

type WriteArguments = [chunk: unknown, encoding?: BufferEncoding | Callback | null, callback?: Callback]
type Callback = (error?: Error | null) => void
type Headers =
  | OutgoingHttpHeaders
  | readonly OutgoingHttpHeader[]
  | readonly (readonly [string, OutgoingHttpHeader])[]

/**
 * Watches a response of `node:http` while an app, a framework or a middleware writes it. It delays the head
 * until the body begins or the response ends, so that the head can contain what is known by then. Parts of a
 * body are passed on as they arrive.
 */
export function captureResponse(response: ServerResponse, maxBytes: number, listener: CaptureListener): void {
  const { writeHead, write, end, flushHeaders, addTrailers } = response
  const originals = { writeHead, write, end } as unknown as Record<
    'writeHead' | 'write' | 'end',
    (...args: unknown[]) => unknown
  >
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
    const isPlain =
      state === 'open' && Number.isInteger(status) && (status as number) >= 200 && (status as number) < 1_000
    if (!isPlain) return originals.writeHead.apply(response, args)
    applyHead(response, status as number, rest)
    passedHeads.add(response)
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
    return originals.write.apply(response, args)
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
      return originals.end.apply(response, args)
    }
    const callback = args.find((arg) => typeof arg === 'function')
    const used = listener.whole(body) ? args : callback === undefined ? [] : [callback]
    try {
      const ended = originals.end.apply(response, used)
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

/** Responses whose head was passed to `writeHead`, and is delayed. */
const passedHeads = new WeakSet<object>()

/**
 * Shared by all responses: with a separate function for each response, the engine could not optimize access
 * to any of them.
 */
const HEADERS_SENT: PropertyDescriptor & ThisType<ServerResponse> = {
  configurable: true,
  get() {
    return passedHeads.has(this) || isHeadSent(this)
  },
}

/**
 * Node sends headers that are passed only to `writeHead` without storing them. If a header was set before, it
 * stores them all.
 */
function keepHeadersReadable(response: ServerResponse): void {
  if (response.getHeaderNames().length > 0 || response.headersSent) return
  response.setHeader('Age', '0')
  response.removeHeader('Age')
}

/** Whether the head was sent, and not only passed to `writeHead`. */
export function isHeadSent(response: ServerResponse): boolean {
  return Reflect.get(Object.getPrototypeOf(response), 'headersSent', response) === true
}

/** Sets the arguments of `writeHead` as headers that can still be changed. */
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
  for (const [name, values] of all)
    response.setHeader(name, values.length === 1 ? (values[0] as OutgoingHttpHeader) : (values as string[]))
}

function entriesOf(headers: Headers): readonly (readonly [string, OutgoingHttpHeader])[] {
  if (!Array.isArray(headers))
    return Object.entries(headers as OutgoingHttpHeaders) as [string, OutgoingHttpHeader][]
  if (Array.isArray(headers[0])) return headers as readonly (readonly [string, OutgoingHttpHeader])[]
  const entries: [string, OutgoingHttpHeader][] = []
  for (let at = 0; at + 1 < headers.length; at += 2)
    entries.push([String(headers[at]), headers[at + 1] as OutgoingHttpHeader])
  return entries
}

/** `undefined`: Node will reject it. */
function bufferOf(chunk: unknown, encoding: unknown): Buffer | undefined {
  if (typeof chunk === 'string')
    return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
  // Copied, because the owner may reuse the chunk.
  return chunk instanceof Uint8Array ? Buffer.from(chunk) : undefined
}
