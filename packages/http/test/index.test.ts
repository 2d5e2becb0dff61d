import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportedValues } from '../../../test/support/entry-points.ts'

describe('the entry points of @sluice/http', () => {
  it('export these values and no others', async () => {
    expect(await exportedValues(join(import.meta.dirname, '..'))).toEqual({
      '.': [
        'RequestIds',
        'RequestScopes',
        'createConsistencyCookie',
        'createHealth',
        'createLoadShedding',
        'createMetricsHandler',
        'createRateLimit',
        'createResponseCache',
        'gracefulShutdown',
        'nodeAuthVerifier',
        'pathPattern',
        'requestNameOf',
        'requireNodeAuth',
        'responseCacheFront',
        'routeOf',
        'setRequestTarget',
      ],
      './proxy': ['createProxy'],
    })
  }, 60_000)
})
