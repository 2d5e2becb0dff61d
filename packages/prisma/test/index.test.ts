import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedValues } from '../../../test/support/entry-points.ts'

describe('the entry points of @sluice/prisma', () => {
  it('export these values and no others', async () => {
    expect(await exportedValues(join(import.meta.dirname, '..'), ['./generator'])).toEqual({
      '.': ['prismaConnection', 'sluiceAdapter', 'withSluice'],
      './project': ['prismaProject', 'readBlocks'],
    })
  }, 60_000)
})
