import type { ServerResponse } from 'node:http'

/** A reader that takes nothing for so long is gone. */
const STUCK_MS = 60_000

/** One who listens. What they cannot take is left out, and they are told all when they can. */
export class StreamClient {
  #isFull = false
  #fullSince = 0
  #missed = false

  /** @param onRoom - They can take something again, and have missed something. */
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

  /** Whether they are behind, and wait for a snapshot. */
  get isBehind(): boolean {
    return this.#isFull
  }

  send(event: 'snapshot' | 'delta', id: string, data: string): void {
    if (this.#isFull) this.#missed = true
    else this.#write(`event: ${event}\nid: ${id}\ndata: ${data}\n\n`)
  }

  /** Something that says no more than that the app is there. */
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
