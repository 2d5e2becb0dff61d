import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedValues } from '../../../test/support/entry-points.ts'

describe('entry points of @sluice/graphql', () => {
  it('export exactly these values', async () => {
    expect(await exportedValues(join(import.meta.dirname, '..'))).toEqual({
      '.': ['createSluiceSchema', 'registerSluiceMercurius', 'sluiceApolloPlugin', 'useSluice'],
    })
  }, 60_000)
})
