import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { sendStored } from '../../src/response-cache/send-stored.ts'
import { ask, serve } from '../world.ts'

describe('sendStored', () => {
  async function served(
    body: Uint8Array,
    before: (response: ServerResponse) => void = () => {},
    isUnobserved = false,
  ) {
    const { port } = await serve((request, response) => {
      before(response)
      sendStored(
        request,
        response,
        { status: 200, headers: [['Content-Type', 'text/plain']], body, etag: '"a"' },
        2_000,
        ['X-Own', '1'],
        isUnobserved,
      )
    })
    return ask(port)
  }

  it.each([0, 1, 16_384, 16_385, 300_000])('sends a body of %d bytes unchanged', async (bytes) => {
    const text = 'é€'.repeat(bytes).slice(0, bytes)
    const body = new TextEncoder().encode(text)
    for (const isUnobserved of [false, true]) {
      const answer = await served(body, undefined, isUnobserved)
      expect(answer.body).toBe(text)
      expect(answer.headers).toMatchObject({
        'content-length': String(body.length),
        age: '2',
        etag: '"a"',
        'x-own': '1',
      })
    }
  })

  it('passes the body to middleware that replaced `end`', async () => {
    const seen: unknown[] = []
    const answer = await served(Buffer.from('kept'), (response) => {
      const { end } = response
      response.end = ((...given: Parameters<typeof end>) => {
        seen.push(given[0])
        return end.apply(response, given)
      }) as typeof end
    })
    expect(answer.body).toBe('kept')
    expect(seen).toEqual([Buffer.from('kept')])
  })
})
