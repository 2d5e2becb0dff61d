import { createSluice } from '@sluice/core'
import { describe, expect, it } from 'vitest'
import { RequestRecorder } from '../../src/recorder/request-recorder.ts'
import { execute, shapeOf } from '../world.ts'

const MAX = 65_536

async function filled(requests: number, shapes: number) {
  const sluice = createSluice({ detection: false })
  const recorder = new RequestRecorder(sluice, { idPrefix: 'abcd', maxBytes: MAX, showParameters: false })
  const over: number[] = []
  for (let at = 0; at < requests; at += 1) {
    await sluice.run(() => execute(sluice, shapeOf(`Shape ${at % shapes} ${'x'.repeat(at % 50)}`)), {
      name: `GET /r${at % 20}`,
    })
    if (recorder.ring.bytes > MAX) over.push(at)
  }
  return { sluice, recorder, over }
}

describe('RequestRing', () => {
  it('stays within its limit by evicting the oldest requests', async () => {
    const { recorder, over } = await filled(2_000, 9)
    expect(over).toEqual([])
    const { requests, bytes, dropped, oldestAt } = recorder.ring.state()
    expect(requests + dropped).toBe(2_000)
    expect(requests).toBeGreaterThan(20)
    expect(bytes).toBeGreaterThan(MAX / 2)
    expect(oldestAt).not.toBeNull()
    const sequences = recorder.ring.newestFirst().map(({ sequence }) => sequence)
    expect(sequences[0]).toBe(2_000)
    expect(sequences.at(-1)).toBe(2_000 - requests + 1)
  })

  it('counts a normalized query once and releases it with its last row', async () => {
    const { recorder } = await filled(600, 600)
    expect(recorder.shapes.size).toBe(recorder.ring.size)
    recorder.ring.clear()
    expect([recorder.shapes.size, recorder.ring.bytes]).toEqual([0, 0])
  })

  it('returns a request by ID until it is evicted, and updates its route', async () => {
    const { sluice, recorder } = await filled(1, 1)
    const [{ id } = { id: '' }] = recorder.ring.newest(1)
    expect(recorder.ring.get(id)?.name).toBe('GET /r0')
    expect(recorder.routes.newestOf('GET /r0')).toBe(id)
    for (let at = 0; at < 500; at += 1)
      await sluice.run(() => execute(sluice, shapeOf('S')), { name: 'other' })
    expect(recorder.ring.get(id)).toBeUndefined()
    expect(recorder.routes.newestOf('GET /r0')).toBeNull()
  })

  it('does not store a request that exceeds the limit alone', async () => {
    const sluice = createSluice({ detection: false })
    const recorder = new RequestRecorder(sluice, { idPrefix: 'abcd', maxBytes: MAX, showParameters: true })
    const values = 'v'.repeat(450)
    await sluice.run(() => {
      for (let at = 0; at < 99; at += 1)
        for (let again = 0; again < 5; again += 1) execute(sluice, shapeOf(`S${at}`), { values })
    })
    expect([recorder.ring.size, recorder.ring.bytes, recorder.shapes.size]).toEqual([0, 0, 0])
    expect(recorder.ring.newest(1)).toEqual([])
  })
})
