import type { IncomingMessage, ServerResponse } from 'node:http'
import { Refusal } from '../http/refusal.ts'
import type { Section } from '../protocol/now.ts'
import type { FirstView, Rights, Snapshot } from '../protocol/stream.ts'
import { DeltaMaker, type LiveSource } from './delta-maker.ts'
import { StreamClient } from './stream-client.ts'

const TICK_MS = 250
const BEAT_MS = 15_000
/** Deltas that a stream which was cut off can be given afterwards: ten seconds of them, as long as they are small. */
const HISTORY = 40
const HISTORY_CHARACTERS = 500_000
/** After that long without a listener, what changed meanwhile is told as a snapshot. */
const RESUME_MS = 30_000
const SECTIONS: readonly Section[] = ['requests', 'findings', 'queries', 'cache', 'nodes', 'jobs', 'metrics', 'alerts']

interface Past {
  readonly sequence: number
  readonly data: string
}

export interface StreamHubParts {
  readonly source: LiveSource
  /** In ids of events: they are of this process alone. */
  readonly process: string
  readonly maxStreams: number
  /** Monotonic time in milliseconds. */
  readonly now: () => number
  readonly onError: (error: unknown) => void
}

/** Tells all who listen what happens. While nobody does, it does nothing. */
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

  /** How many listen. */
  get size(): number {
    return this.#clients.size
  }

  /** Answers a request with a stream, until its reader is gone. @throws Refusal where there are as many as may be. */
  open(request: IncomingMessage, response: ServerResponse, rights: Rights): void {
    const { maxStreams, now } = this.#parts
    if (this.#clients.size >= maxStreams)
      throw new Refusal('TOO_MANY_STREAMS', `${maxStreams} streams are open, which is as many as may be.`)
    request.socket.setTimeout(0)
    request.socket.setNoDelay(true)
    response.statusCode = 200
    response.setHeader('Content-Type', 'text/event-stream; charset=utf-8')
    response.setHeader('Cache-Control', 'no-store, no-transform')
    // nginx and the like would gather what they pass on.
    response.setHeader('X-Accel-Buffering', 'no')
    response.flushHeaders()
    const client = new StreamClient(response, now, () => this.#sendSnapshot(client, rights))
    this.#start()
    response.once('close', () => this.#left(client))
    const missed = this.#since(request.headers['last-event-id'])
    if (missed === undefined) this.#sendSnapshot(client, rights)
    else for (const { sequence, data } of missed) client.send('delta', this.#id(sequence), data)
    // From now on they are told what others are.
    this.#clients.set(client, rights)
  }

  /** What a stream would begin with. One that is opened within half a minute goes on from there, though nobody listens meanwhile. */
  firstView(rights: Rights): FirstView {
    if (this.#ticking === undefined) {
      this.#begin()
      this.#lastLeftAt = this.#parts.now()
    }
    // What is told by it must not be told again.
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

  /** Goes on with what was told last, unless that is long ago. */
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
    // Nobody has told of what happened meanwhile.
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
    while (this.#past.length > HISTORY || characters > HISTORY_CHARACTERS) characters -= this.#past.shift()?.data.length ?? 0
  }

  /** What a stream missed that was cut off; `undefined`: it is not known, or too much. */
  #since(lastEventId: unknown): readonly Past[] | undefined {
    const [process, number] = String(lastEventId ?? '').split('.')
    const sequence = Number(number)
    if (process !== this.#parts.process || !Number.isInteger(sequence) || sequence > this.#sequence) return undefined
    if (sequence === this.#sequence) return []
    const missed = this.#past.filter((past) => past.sequence > sequence)
    return missed[0]?.sequence === sequence + 1 ? missed : undefined
  }

  #sendSnapshot(client: StreamClient, rights: Rights): void {
    try {
      // What is told by it must not be told again.
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
