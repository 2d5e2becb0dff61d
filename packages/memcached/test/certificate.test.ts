import { describe, expect, it } from 'vitest'
import { certificateOf, certifies, lossesOf } from '../src/certificate.ts'

const losses = (stats: Record<string, number>) =>
  lossesOf({
    code: 'END',
    text: 'END',
    data: undefined,
    flags: Object.fromEntries(Object.entries(stats).map(([name, count]) => [name, String(count)])),
  })
const before = { evictions: 3, store_no_memory: 1, cmd_flush: 2, total_items: 100 }
const certificate = certificateOf(losses(before))

describe('a certificate', () => {
  it('holds as long as the server stores items and loses none', () => {
    expect(certifies(certificate, losses(before))).toBe(true)
    expect(certifies(certificate, losses({ ...before, total_items: 1_000 }))).toBe(true)
  })

  it.each([
    'evictions',
    'store_no_memory',
    'cmd_flush',
    'slab_reassign_evictions_nomem',
    'slab_reassign_busy_deletes',
    'extstore_objects_evicted',
  ])('does not hold when %s increases', (name) => {
    const count = (before as Record<string, number>)[name] ?? 0
    expect(certifies(certificate, losses({ ...before, [name]: count + 1 }))).toBe(false)
  })

  it('does not hold after the statistics were reset', () => {
    expect(certifies(certificateOf(losses({ total_items: 100 })), losses({ total_items: 5 }))).toBe(false)
  })

  it('does not exist without one', () => {
    expect(certifies(undefined, losses({}))).toBe(false)
  })
})
