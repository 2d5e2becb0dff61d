import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import type { RingState } from '@sluice/dashboard/protocol'
import { describe, expect, it } from 'vitest'
import { TEST_MS } from '../../support/patience.ts'

interface Report {
  /** How much more there was after as many requests again. */
  readonly growth: number
  /** What was free once the dashboard was closed. */
  readonly held: number
  readonly ring: RingState
  readonly maxBytes: number
}

describe('the heap of an app with a dashboard', () => {
  it('does not grow once the ring is full, and the ring takes about what it says', { timeout: TEST_MS }, () => {
    const flags = ['--expose-gc', '--import', 'tsx', '--conditions=@sluice/source']
    const output = execFileSync(process.execPath, [...flags, resolve(import.meta.dirname, 'memory.heap.ts')], {
      cwd: resolve(import.meta.dirname, '../../..'),
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: '' },
    })
    const { growth, held, ring, maxBytes } = JSON.parse(output) as Report
    expect(ring.bytes).toBeLessThanOrEqual(maxBytes)
    expect(ring.requests + ring.dropped).toBe(24_000)
    expect(ring.dropped).toBeGreaterThan(10_000)
    expect(growth).toBeLessThan(2_000_000)
    // Beside the ring there are figures of 300 routes, and places.
    expect(held).toBeLessThan(1.5 * maxBytes + 2_000_000)
    expect(held).toBeGreaterThan(0.4 * maxBytes)
  })
})
