import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedValues } from '../../../test/support/entry-points.ts'

describe('the entry points of @sluice/express', () => {
  it('export these values and no others', async () => {
    expect(await exportedValues(join(import.meta.dirname, '..'))).toEqual({
      '.': [
        'gracefulShutdown',
        'sluiceHealth',
        'sluiceLoadShed',
        'sluiceMetrics',
        'sluiceMiddleware',
        'sluiceRateLimit',
        'sluiceResponseCache',
      ],
      './proxy': ['sluiceProxy'],
    })
  }, 60_000)
})
