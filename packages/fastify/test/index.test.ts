import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedValues } from '../../../test/support/entry-points.ts'

describe('the entry points of @sluice/fastify', () => {
  it('export these values and no others', async () => {
    expect(await exportedValues(join(import.meta.dirname, '..'))).toEqual({
      '.': [
        'sluiceHealth',
        'sluiceLoadShed',
        'sluiceMetrics',
        'sluicePlugin',
        'sluiceRateLimit',
        'sluiceResponseCache',
        'sluiceShutdown',
      ],
      './proxy': ['sluiceProxy'],
    })
  }, 60_000)
})
