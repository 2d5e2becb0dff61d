export interface StreamEvent {
  readonly event: string
  readonly data: string
  /** The last event ID, from which a new stream can resume. */
  readonly id: string
}

/** Maximum size of a line or an event. A larger stream does not come from the dashboard. */
const MAX_BUFFER = 4 * 1024 * 1024

/** Parses a stream of server-sent events (HTML standard, 9.2.6) from chunks of text. */
export class EventStreamParser {
  /** The start of a line that has not ended. */
  #rest: string[] = []
  #length = 0
  #data: string[] = []
  #characters = 0
  #event = ''
  #id = ''

  constructor(private readonly emit: (event: StreamEvent) => void) {}

  push(text: string): void {
    const lines = this.#withHeld(text).split(/\r\n|\n|\r(?!$)/)
    const last = lines.pop() ?? ''
    if (lines.length > 0) {
      lines[0] = this.#rest.join('') + lines[0]
      this.#rest = []
      this.#length = 0
    }
    this.#rest.push(last)
    this.#length += last.length
    for (const line of lines) this.#line(line)
    if (this.#length > MAX_BUFFER || this.#characters > MAX_BUFFER)
      throw new RangeError('The event stream contains a line or an event of more than 4 MB.')
  }

  /** The text, after a carriage return that may belong to it. */
  #withHeld(text: string): string {
    const held = this.#rest.at(-1)
    if (held?.endsWith('\r') !== true || text === '') return text
    this.#rest[this.#rest.length - 1] = held.slice(0, -1)
    this.#length -= 1
    return `\r${text}`
  }

  #line(line: string): void {
    if (line === '') this.#dispatch()
    else if (!line.startsWith(':')) {
      const colon = line.indexOf(':')
      const field = colon === -1 ? line : line.slice(0, colon)
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'data') {
        this.#data.push(value)
        this.#characters += value.length
      } else if (field === 'event') this.#event = value
      else if (field === 'id' && !value.includes('\0')) this.#id = value
    }
  }

  #dispatch(): void {
    const [event, data] = [this.#event, this.#data]
    this.#event = ''
    this.#data = []
    this.#characters = 0
    if (data.length > 0)
      this.emit({ event: event === '' ? 'message' : event, data: data.join('\n'), id: this.#id })
  }
}
