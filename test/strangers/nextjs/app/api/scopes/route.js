import { sluice } from '../../../lib/sluice.js'

export const dynamic = 'force-dynamic'

/** The counters that the test script of this app reads. */
export function GET() {
  const patterns = sluice.queries
    .getNPlusOnePatterns()
    .flatMap(({ routes }) => routes.map(({ scope, count }) => ({ scope, count })))
  return Response.json({
    patterns,
    mode: sluice.mode,
    statements: sluice.queries.getStats().statements,
    made: globalThis.made,
    scopes: globalThis.scopes,
    sluices: globalThis.sluices,
  })
}
