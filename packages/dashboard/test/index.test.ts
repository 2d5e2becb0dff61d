import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedValues } from '../../../test/support/entry-points.ts'

describe('entry points of @sluice/dashboard', () => {
  it('export exactly these values', async () => {
    expect(await exportedValues(join(import.meta.dirname, '..'))).toEqual({
      '.': [
        'AuthorizeRequiredError',
        'PeerUnavailableError',
        'createDashboard',
        'localProcesses',
        'schemaVersion',
        'serveDashboard',
      ],
      './protocol': ['actionHeader', 'firstViewId', 'schemaVersion'],
    })
  }, 60_000)
})
