import type { ServerResponse } from 'node:http'

/** Time without progress after which a reader is disconnected. */
const STUCK_MS = 60_000

/** A reader of a stream. A reader that is too slow skips deltas and receives a snapshot later. */
export class StreamClient {
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

  /** Whether the reader is too slow and waits for a snapshot. */
  get isBehind(): boolean {
    return this.#isFull
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
