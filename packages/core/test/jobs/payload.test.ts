import { describe, expect, it } from 'vitest'
import { toPayload } from '../../src/jobs/payload.ts'

describe('toPayload', () => {
  it('shortens the path of a circular reference', () => {
    const node: { next?: unknown } = {}
    node.next = node
    expect(() => toPayload(node)).toThrow(
      expect.objectContaining({
        code: 'SLUICE_INVALID_PAYLOAD',
        path: expect.stringMatching(/^\$(?:\.next){5,}.*…$/),
        message: expect.stringMatching(/^.{1,200}$/),
      }),
    )
  })

  it('does not shorten other paths', () => {
    expect(() => toPayload({ user: { born: 1n } })).toThrow(expect.objectContaining({ path: '$.user.born' }))
  })
})
