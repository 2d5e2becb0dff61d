import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedValues } from '../../../test/support/entry-points.ts'

describe('the entry points of @sluice/knex', () => {
  it('export these values and no others', async () => {
    expect(await exportedValues(join(import.meta.dirname, '..'))).toEqual({
      '.': ['cached', 'knexConnection', 'sluiceKnex', 'unsluice', 'withSluice'],
      './project': ['knexNaming', 'knexProject'],
    })
  }, 60_000)
})
