import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedValues } from '../../../test/support/entry-points.ts'

describe('the entry points of @sluice/memcached', () => {
  it('export these values and no others', async () => {
    expect(await exportedValues(join(import.meta.dirname, '..'))).toEqual({ '.': ['memcachedStore'] })
  }, 60_000)
})
