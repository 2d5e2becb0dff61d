import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { onTestFinished } from 'vitest'

interface StreamEvent {
  readonly event: string
  readonly id: string
  readonly data: never
}

export interface OpenStream {
  readonly response: IncomingMessage
  readonly events: readonly StreamEvent[]
  /** Received comments. */
  readonly beats: number
  /** Waits for the next event with this name that matches. */
  next(event: string, fits?: (data: never) => boolean): Promise<StreamEvent>
  close(): void
}

/** Reads a stream until the test ends. */
export async function listen(
  port: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<OpenStream> {
  const sent = request({ host: '127.0.0.1', port, path: '/_sluice/api/stream', headers, agent: false })
  sent.on('error', () => {})
  sent.end()
  onTestFinished(() => void sent.destroy())
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.on('error', () => {})
  const events: StreamEvent[] = []
  const counts = { beats: 0 }
  const waiting = new Set<() => void>()
  let rest = ''
  response.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      if (part.startsWith(':')) counts.beats += 1
      else events.push(eventOf(part))
    }
    for (const look of waiting) look()
  })
  return {
    response,
    events,
    get beats() {
      return counts.beats
    },
    next: (event, fits = () => true) =>
      new Promise((resolve) => {
        let from = 0
        const look = () => {
          for (; from < events.length; from += 1) {
            const found = events[from] as StreamEvent
            if (found.event !== event || !fits(found.data)) continue
            waiting.delete(look)
            resolve(found)
            return
          }
        }
        waiting.add(look)
        look()
      }),
    close: () => void sent.destroy(),
  }
}

function eventOf(text: string): StreamEvent {
  const fields = Object.fromEntries(
    text.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  )
  return { event: fields.event ?? '', id: fields.id ?? '', data: JSON.parse(fields.data ?? 'null') as never }
}
