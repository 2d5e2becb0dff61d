import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal } from '../http/responses.ts'
import type { Section } from '../protocol/now.ts'
import type { FirstView, Rights, Snapshot } from '../protocol/stream.ts'
import { DeltaMaker, type LiveSource } from './delta-maker.ts'

const TICK_MS = 250
const BEAT_MS = 15_000
/** Number of stored deltas for interrupted streams: 10 seconds. */
const HISTORY = 40
const HISTORY_CHARACTERS = 500_000
/** After this time without a reader, the next stream starts with a snapshot. */
const RESUME_MS = 30_000
const SECTIONS: readonly Section[] = [
  'requests',
  'findings',
  'queries',
  'cache',
  'nodes',
  'jobs',
  'metrics',
  'alerts',
]

interface Past {
  readonly sequence: number
  readonly data: string
}

interface StreamHubParts {
  readonly source: LiveSource
  /** Part of event IDs, because each process has its own sequence. */
  readonly process: string
  readonly maxStreams: number
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** Sends updates to all readers. Idle while there are none. */
export class StreamHub {
  readonly #parts: StreamHubParts
  readonly #clients = new Map<StreamClient, Rights>()
  #deltas: DeltaMaker | undefined
  #past: Past[] = []
  #sequence = 0
  #lastLeftAt = 0
  #ticking: ReturnType<typeof setInterval> | undefined
  #beating: ReturnType<typeof setInterval> | undefined
  #stopWatching: (() => void) | undefined

  constructor(parts: StreamHubParts) {
    this.#parts = parts
  }

  /** Number of readers. */
  get size(): number {
    return this.#clients.size
  }

  /**
   * Responds to a request with a stream.
   *
   * @throws Refusal if the maximum number of streams is open
   */
  open(request: IncomingMessage, response: ServerResponse, rights: Rights): void {
    const { maxStreams, now } = this.#parts
    if (this.#clients.size >= maxStreams)
      throw new Refusal(
        'TOO_MANY_STREAMS',
        `Too many streams: ${maxStreams} are open. Close other tabs, or increase the option \`maxStreams\`.`,
      )
    request.socket.setTimeout(0)
    request.socket.setNoDelay(true)
    response.statusCode = 200
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8')
    response.setHeader('Cache-Control', 'no-store, no-transform')
    // Proxies such as nginx would buffer the stream.
    response.setHeader('X-Accel-Buffering', 'no')
    response.flushHeaders()
    const client = new StreamClient(response, now, () => this.#sendSnapshot(client, rights))
    this.#start()
    response.once('close', () => this.#left(client))
    const missed = this.#since(request.headers['last-event-id'])
    if (missed === undefined) this.#sendSnapshot(client, rights)
    else for (const { sequence, data } of missed) client.send('delta', this.#id(sequence), data)
    // From now on, the client receives the updates of all readers.
    this.#clients.set(client, rights)
  }

  /**
   * The snapshot from which a stream continues if it opens within 30 seconds, even if there is no reader in
   * the meantime.
   */
  firstView(rights: Rights): FirstView {
    if (this.#ticking === undefined) {
      this.#begin()
      this.#lastLeftAt = this.#parts.now()
    }
    // Send pending changes first, because the snapshot contains them.
    this.#tick()
    return { id: this.#id(this.#sequence), snapshot: { ...this.#parts.source.snapshot(), rights } }
  }

  /** Ends all streams. */
  close(): void {
    for (const client of this.#clients.keys()) client.end()
    this.#clients.clear()
    this.#stop()
    this.#past = []
  }

  #left(client: StreamClient): void {
    if (!this.#clients.delete(client) || this.#clients.size > 0) return
    this.#lastLeftAt = this.#parts.now()
    this.#stop()
  }

  /** Continues from the last delta, unless it is too old. */
  #begin(): DeltaMaker {
    const { source, now } = this.#parts
    if (this.#deltas === undefined || now() - this.#lastLeftAt > RESUME_MS) {
      this.#past = []
      this.#sequence += 1
      this.#deltas = new DeltaMaker(source)
      this.#deltas.begin()
    }
    return this.#deltas
  }

  #start(): void {
    if (this.#ticking !== undefined) return
    const { source } = this.#parts
    const deltas = this.#begin()
    // Changes without a reader were not recorded, so every section may be stale.
    for (const section of SECTIONS) deltas.stale(section)
    this.#stopWatching = source.watch((section) => deltas.stale(section))
    this.#ticking = setInterval(() => this.#tick(), TICK_MS)
    this.#ticking.unref()
    this.#beating = setInterval(() => {
      for (const client of this.#clients.keys()) client.beat()
    }, BEAT_MS)
    this.#beating.unref()
  }

  #stop(): void {
    clearInterval(this.#ticking)
    clearInterval(this.#beating)
    this.#ticking = undefined
    this.#beating = undefined
    this.#stopWatching?.()
    this.#stopWatching = undefined
  }

  #tick(): void {
    try {
      const delta = this.#deltas?.next(this.#parts.now(), Date.now())
      if (delta === undefined) return
      const data = JSON.stringify(delta)
      this.#sequence += 1
      this.#remember({ sequence: this.#sequence, data })
      for (const client of this.#clients.keys()) client.send('delta', this.#id(this.#sequence), data)
    } catch (error) {
      this.#parts.onError(error)
    }
  }

  #remember(past: Past): void {
    this.#past.push(past)
    let characters = this.#past.reduce((sum, { data }) => sum + data.length, 0)
    while (this.#past.length > HISTORY || characters > HISTORY_CHARACTERS)
      characters -= this.#past.shift()?.data.length ?? 0
  }

  /** Returns the deltas that an interrupted stream missed; `undefined` if they are unknown or too large. */
  #since(lastEventId: unknown): readonly Past[] | undefined {
    const [process, number] = String(lastEventId ?? '').split('.')
    const sequence = Number(number)
    if (process !== this.#parts.process || !Number.isInteger(sequence) || sequence > this.#sequence)
      return undefined
    if (sequence === this.#sequence) return []
    const missed = this.#past.filter((past) => past.sequence > sequence)
    return missed[0]?.sequence === sequence + 1 ? missed : undefined
  }

  #sendSnapshot(client: StreamClient, rights: Rights): void {
    try {
      // Send pending changes first, because the snapshot contains them.
      this.#tick()
      const snapshot: Snapshot = { ...this.#parts.source.snapshot(), rights }
      client.send('snapshot', this.#id(this.#sequence), JSON.stringify(snapshot))
    } catch (error) {
      this.#parts.onError(error)
    }
  }

  #id(sequence: number): string {
    return `${this.#parts.process}.${sequence}`
  }
}

/** Time without progress after which a reader is disconnected. */
const STUCK_MS = 60_000

/** A reader of a stream. A reader that is too slow skips deltas and receives a snapshot later. */
class StreamClient {
  #isFull = false
  #fullSince = 0
  #missed = false

  /** @param onRoom - Called when a slow reader can receive data again. */
  constructor(
    private readonly response: ServerResponse,
    private readonly now: () => number,
    onRoom: () => void,
  ) {
    response.on('drain', () => {
      this.#isFull = false
      if (!this.#missed) return
      this.#missed = false
      onRoom()
    })
  }

  send(event: 'snapshot' | 'delta', id: string, data: string): void {
    if (this.#isFull) this.#missed = true
    else this.#write(`event: ${event}\nid: ${id}\ndata: ${data}\n\n`)
  }

  /** Sends a comment, so that the reader knows that the app is running. */
  beat(): void {
    if (!this.#isFull) this.#write(':\n\n')
    else if (this.now() - this.#fullSince >= STUCK_MS) this.response.destroy()
  }

  end(): void {
    this.response.end()
  }

  #write(text: string): void {
    if (this.response.write(text)) return
    this.#isFull = true
    this.#fullSince = this.now()
  }
}
