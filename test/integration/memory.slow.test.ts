import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TEST_MS } from '../support/patience.ts'

const MB = 1_000_000

describe('the heap', () => {
  it('does not grow with a client per request, destroyed instances and long statements', {
    timeout: TEST_MS,
  }, () => {
    const flags = ['--expose-gc', '--import', 'tsx', '--conditions=@sluice/source']
    const report: Readonly<Record<string, number>> = JSON.parse(
      execFileSync(process.execPath, [...flags, resolve(import.meta.dirname, 'memory.heap.ts')], {
        cwd: resolve(import.meta.dirname, '../..'),
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      }),
    )
    expect(Object.keys(report)).toHaveLength(3)
    for (const [name, growth] of Object.entries(report)) expect(growth, name).toBeLessThan(3 * MB)
  })
})
