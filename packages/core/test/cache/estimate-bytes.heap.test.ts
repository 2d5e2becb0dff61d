import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TEST_MS } from '../../../../test/support/patience.ts'

interface Measurement {
  readonly name: string
  readonly itemCount: number
  readonly estimated: number
  readonly measured: number
}

function measure(): readonly Measurement[] {
  const script = resolve(import.meta.dirname, 'estimate-bytes.heap.ts')
  const flags = ['--expose-gc', '--import', 'tsx', '--conditions=@sluice/source']
  const root = resolve(import.meta.dirname, '../../../..')
  return JSON.parse(
    execFileSync(process.execPath, [...flags, script], {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '' },
    }),
  )
}

describe('estimated bytes and the measured heap', () => {
  it('differ by at most 25%, and 100,000 small entries fit into 100 MB', { timeout: TEST_MS }, () => {
    const report = measure()
    expect(report).toHaveLength(5)
    for (const { name, estimated, measured } of report) {
      expect(estimated / measured, name).toBeGreaterThan(0.75)
      expect(estimated / measured, name).toBeLessThan(1.25)
    }
    expect(report[0]).toMatchObject({ name: 'small flat rows', itemCount: 100_000 })
    expect(report[0]?.estimated).toBeLessThan(100 * 1024 * 1024)
    expect(report[0]?.measured).toBeLessThan(100 * 1024 * 1024)
  })
})
