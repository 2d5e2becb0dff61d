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
  #rest = ''
  #data: string[] = []
  #event = ''
  #id = ''

  constructor(private readonly emit: (event: StreamEvent) => void) {}

  push(text: string): void {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/)
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > MAX_BUFFER)
      throw new RangeError('The event stream contains a line of more than 4 MB.')
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    if (line === '') this.#dispatch()
    else if (!line.startsWith(':')) {
      const colon = line.indexOf(':')
      const field = colon === -1 ? line : line.slice(0, colon)
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
      if (field === 'data') this.#data.push(value)
      else if (field === 'event') this.#event = value
      else if (field === 'id' && !value.includes('\0')) this.#id = value
    }
  }

  #dispatch(): void {
    const [event, data] = [this.#event, this.#data]
    this.#event = ''
    this.#data = []
    if (data.length > 0)
      this.emit({ event: event === '' ? 'message' : event, data: data.join('\n'), id: this.#id })
  }
}
