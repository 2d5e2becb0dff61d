import { describe, expect, it } from 'vitest'
import { type MetaReply, ReplyFormatError, ReplyParser } from '../src/reply-parser.ts'

function parserOf(): { readonly replies: MetaReply[]; readonly parser: ReplyParser } {
  const replies: MetaReply[] = []
  return { replies, parser: new ReplyParser((reply) => replies.push(reply)) }
}

function feed(parser: ReplyParser, text: string, size: number): void {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) parser.read(bytes.subarray(at, at + size))
}

describe('ReplyParser', () => {
  const value = 'x\r\n'.repeat(5_000)
  const stream = `HD c7\r\nVA ${value.length} f2\r\n${value}\r\nEN\r\nVA 0\r\n\r\nSTAT a 1\r\nSTAT __proto__ 2\r\nEND\r\nMN\r\n`

  it.each([1, 2, 7, 4_096, 1_000_000])('reads the same replies from chunks of %d bytes', (size) => {
    const { parser, replies } = parserOf()
    feed(parser, stream, size)
    expect(replies.map(({ code }) => code)).toEqual(['HD', 'VA', 'EN', 'VA', 'END', 'MN'])
    expect(replies[0]?.flags).toEqual({ c: '7' })
    expect(replies[1]?.data?.toString('latin1')).toBe(value)
    expect(replies[3]?.data).toHaveLength(0)
    expect(Object.entries(replies[4]?.flags ?? {})).toEqual([
      ['a', '1'],
      ['__proto__', '2'],
    ])
  })

  it.each([1, 1_000, 100_000])('rejects a line without an end, in chunks of %d bytes', (size) => {
    const { parser } = parserOf()
    expect(() => feed(parser, 'x'.repeat(100_000), size)).toThrow(ReplyFormatError)
  })

  it.each(['', '-1', 'x', '1e3', '99999999999', '1073741825'])('rejects a value of "%s" bytes', (size) => {
    const { parser } = parserOf()
    expect(() => feed(parser, `VA ${size} f2\r\n`, 100)).toThrow(ReplyFormatError)
  })

  it('rejects endless statistics', () => {
    const { parser } = parserOf()
    const stats = Array.from({ length: 20_000 }, (_, nth) => `STAT s${nth} 1\r\n`).join('')
    expect(() => feed(parser, stats, 4_096)).toThrow(ReplyFormatError)
  })
})
