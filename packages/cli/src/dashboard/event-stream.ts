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
  #rest = ''
  #event = ''
  #data: string[] = []
  #characters = 0
  #id = ''
  #isFirst = true

  /** @returns The events that end in this chunk. @throws Error if an event is too large. */
  push(piece: string): StreamEvent[] {
    let text = this.#rest + piece
    if (this.#isFirst && text !== '') {
      text = text.replace(/^\ufeff/, '')
      this.#isFirst = false
    }
    // A carriage return at the end can be the first half of a CRLF.
    const held = text.endsWith('\r') ? '\r' : ''
    const lines = text.slice(0, text.length - held.length).split(/\r\n|\n|\r/)
    this.#rest = `${lines.pop() ?? ''}${held}`
    if (this.#rest.length + this.#characters > MAX_CHARACTERS)
      throw new Error('An event of the stream is too large.')
    return lines.flatMap((line) => this.#line(line))
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
