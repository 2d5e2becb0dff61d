import { describe, expect, it } from 'vitest'
import { EventStreamParser, type StreamEvent } from '../../../page/src/live/event-stream-parser.ts'
import { backoffMs } from '../../../page/src/live/link.ts'
import { randomOf } from '../random.ts'

function read(...pieces: readonly string[]): StreamEvent[] {
  const events: StreamEvent[] = []
  const parser = new EventStreamParser((event) => events.push(event))
  for (const piece of pieces) parser.push(piece)
  return events
}

describe('EventStreamParser', () => {
  it('parses the name, data and ID of an event', () => {
    expect(read('id: 7\nevent: delta\ndata: {"at":1}\n\n')).toEqual([
      { event: 'delta', data: '{"at":1}', id: '7' },
    ])
  })

  it('joins lines of data and removes one leading space of each', () => {
    expect(read('data: a\ndata:  b\ndata:c\n\n')).toEqual([{ event: 'message', data: 'a\n b\nc', id: '' }])
  })

  it('ignores comments, unknown fields and events without data', () => {
    expect(read(': alive\n\nretry: 5\n\nevent: delta\n\ndata: x\n\n')).toEqual([
      { event: 'message', data: 'x', id: '' },
    ])
  })

  it('reuses the last ID for events without one', () => {
    expect(read('id: 1\ndata: a\n\ndata: b\n\n').map(({ id }) => id)).toEqual(['1', '1'])
  })

  it('does not emit an incomplete event', () => {
    expect(read('data: a\n')).toEqual([])
  })

  it('returns the same events for any chunks and line endings', () => {
    const text =
      'id: 1\r\nevent: snapshot\r\ndata: {"a":1}\r\n\r\nid: 2\ndata: b\n\n:c\rdata: d\r\r\ndata: e\n\n'
    const whole = read(text)
    expect(whole).toHaveLength(4)
    const random = randomOf(7)
    for (let run = 0; run < 300; run += 1) {
      const cuts = Array.from({ length: 8 }, () => Math.floor(random() * text.length))
      const ends = [...new Set([0, ...cuts, text.length])].sort((left, right) => left - right)
      expect(read(...ends.slice(1).map((end, index) => text.slice(ends[index], end)))).toEqual(whole)
    }
  })

  it('rejects a line that is too long', () => {
    expect(() => read(`data: ${'x'.repeat(5 * 1024 * 1024)}`)).toThrow(RangeError)
  })
})

describe('backoffMs', () => {
  it('doubles from 0.5 s to 30 s, with up to 50% jitter', () => {
    expect([1, 2, 3, 7, 50].map((attempt) => backoffMs(attempt, 1))).toEqual([
      500, 1_000, 2_000, 30_000, 30_000,
    ])
    expect([1, 2, 50].map((attempt) => backoffMs(attempt, 0))).toEqual([250, 500, 15_000])
  })
})
