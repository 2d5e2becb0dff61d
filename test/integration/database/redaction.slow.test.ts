import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TEST_MS } from '../../support/patience.ts'

interface Found {
  readonly heap: number
  readonly file: number
  readonly calls: number
}

describe('a redacted workload', () => {
  it('leaves no bound value in memory, nor in its file', { timeout: TEST_MS }, () => {
    const flags = ['--expose-gc', '--import', 'tsx', '--conditions=@sluice/source']
    const { redacted, kept } = JSON.parse(
      execFileSync(process.execPath, [...flags, resolve(import.meta.dirname, 'redaction.heap.ts')], {
        cwd: resolve(import.meta.dirname, '../../..'),
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      }),
    ) as Readonly<Record<'redacted' | 'kept', Found>>
    expect(kept.heap).toBeGreaterThan(0)
    expect(kept.file).toBeGreaterThan(0)
    expect(redacted).toEqual({ heap: 0, file: 0, calls: kept.calls })
  })
})
