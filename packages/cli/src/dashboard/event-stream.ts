/** One event of a stream. */
export interface StreamEvent {
  /** Default: `message`. */
  readonly event: string
  /** The last id that the stream contained, up to this event. */
  readonly id: string
  readonly data: string
}

/** Maximum characters of an event. A snapshot of 300 routes has about 200,000. */
const MAX_CHARACTERS = 16_000_000

/**
 * Parser for a stream of server-sent events.
 *
 * Source: the HTML Standard, 9.2.6 Interpreting an event stream.
 */
export class EventStreamParser {
  /** The start of a line that has not ended. */
  #rest: string[] = []
  #restLength = 0
  #event = ''
  #data: string[] = []
  #characters = 0
  #id = ''
  #isFirst = true

  /**
   * @returns The events that end in this chunk.
   * @throws Error if an event is too large.
   */
  push(piece: string): StreamEvent[] {
    if (piece === '') return []
    // A carriage return at the end can be the first half of a CRLF.
    const lines = this.#withHeld(piece).split(/\r\n|\n|\r(?!$)/)
    const last = lines.pop() ?? ''
    if (lines.length > 0) {
      lines[0] = this.#rest.join('') + lines[0]
      this.#rest = []
      this.#restLength = 0
    }
    this.#rest.push(last)
    this.#restLength += last.length
    if (this.#restLength + this.#characters > MAX_CHARACTERS)
      throw new Error('An event of the stream is too large.')
    return lines.flatMap((line) => this.#line(line))
  }

  /** The piece, after a carriage return that may belong to it. Without a byte-order mark. */
  #withHeld(piece: string): string {
    if (this.#isFirst) {
      this.#isFirst = false
      return piece.replace(/^\ufeff/, '')
    }
    const held = this.#rest.at(-1)
    if (held?.endsWith('\r') !== true) return piece
    this.#rest[this.#rest.length - 1] = held.slice(0, -1)
    this.#restLength -= 1
    return `\r${piece}`
  }

  #line(line: string): StreamEvent[] {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') this.#event = value
    else if (field === 'data') {
      this.#data.push(value)
      this.#characters += value.length
    } else if (field === 'id' && !value.includes('\0')) this.#id = value
    return []
  }

  #dispatch(): StreamEvent[] {
    const [event, data] = [this.#event, this.#data]
    this.#event = ''
    this.#data = []
    this.#characters = 0
    return data.length === 0
      ? []
      : [{ event: event === '' ? 'message' : event, id: this.#id, data: data.join('\n') }]
  }
}
