import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import type { RingState } from '@sluice/dashboard/protocol'
import { describe, expect, it } from 'vitest'
import { TEST_MS } from '../../support/patience.ts'

interface Report {
  /** Additional heap after the same number of requests again. */
  readonly growth: number
  /** Heap that was freed after the dashboard was closed. */
  readonly held: number
  readonly ring: RingState
  readonly maxBytes: number
}

describe('heap of an app with a dashboard', () => {
  it('does not grow when the history is full, and matches its estimate', { timeout: TEST_MS }, () => {
    const flags = ['--expose-gc', '--import', 'tsx', '--conditions=@sluice/source']
    const output = execFileSync(
      process.execPath,
      [...flags, resolve(import.meta.dirname, 'memory.heap.ts')],
      {
        cwd: resolve(import.meta.dirname, '../../..'),
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '', NODE_ENV: '' },
      },
    )
    const { growth, held, ring, maxBytes } = JSON.parse(output) as Report
    expect(ring.bytes).toBeLessThanOrEqual(maxBytes)
    expect(ring.requests + ring.dropped).toBe(24_000)
    expect(ring.dropped).toBeGreaterThan(10_000)
    expect(growth).toBeLessThan(2_000_000)
    // In addition to the history, there are statistics of 300 routes, and call sites.
    expect(held).toBeLessThan(1.5 * maxBytes + 2_000_000)
    expect(held).toBeGreaterThan(0.4 * maxBytes)
  })
})
