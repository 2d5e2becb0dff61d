import { describe, expect, it } from 'vitest'
import { toPayload } from '../../src/jobs/payload.ts'

describe('toPayload', () => {
  it('shortens the path of a circular reference', () => {
    const node: { next?: unknown } = {}
    node.next = node
    expect(() => toPayload(node, 1_000)).toThrow(
      expect.objectContaining({
        code: 'SLUICE_INVALID_PAYLOAD',
        path: expect.stringMatching(/^\$(?:\.next){5,}.*…$/),
        message: expect.stringMatching(/^.{1,200}$/),
      }),
    )
  })

  it('does not shorten other paths', () => {
    expect(() => toPayload({ user: { born: 1n } }, 1_000)).toThrow(
      expect.objectContaining({ path: '$.user.born' }),
    )
  })
})
