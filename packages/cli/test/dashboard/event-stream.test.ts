import { describe, expect, it } from 'vitest'
import { EventStreamParser } from '../../src/dashboard/event-stream.ts'

const parse = (...pieces: string[]) => {
  const parser = new EventStreamParser()
  return pieces.flatMap((piece) => parser.push(piece))
}

describe('EventStreamParser', () => {
  it('returns an event after its empty line', () => {
    expect(parse('event: delta\nid: a.1\ndata: {"at":1}\n')).toEqual([])
    expect(parse('event: delta\nid: a.1\ndata: {"at":1}\n', '\n')).toEqual([
      { event: 'delta', id: 'a.1', data: '{"at":1}' },
    ])
  })

  it('accepts chunks that are cut anywhere, including between the characters of a CRLF', () => {
    const text = 'event: delta\r\nid: 1\r\ndata: one\r\ndata: two\r\n\r\nevent: delta\r\ndata: three\r\n\r\n'
    const whole = parse(text)
    expect(whole).toEqual([
      { event: 'delta', id: '1', data: 'one\ntwo' },
      { event: 'delta', id: '1', data: 'three' },
    ])
    expect(parse(...text)).toEqual(whole)
  })

  it('ignores comments, events without data and unknown fields', () => {
    expect(parse(': beat\n\n', 'event: nothing\n\n', 'retry: 10\nfoo\ndata:x\n\n')).toEqual([
      { event: 'message', id: '', data: 'x' },
    ])
  })

  it('removes one leading space of a value, and the byte order mark', () => {
    expect(parse('\ufeffdata:  two\n\n')).toEqual([{ event: 'message', id: '', data: ' two' }])
  })

  it('limits the size of an event', () => {
    const parser = new EventStreamParser()
    const line = `data: ${'x'.repeat(1_000_000)}\n`
    expect(() => {
      for (let at = 0; at < 20; at += 1) parser.push(line)
      parser.push('data: more')
    }).toThrow('too large')
  })
})
