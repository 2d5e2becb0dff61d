import { createSluice } from '@sluice/core'

const mode = process.env.APP_MODE ?? 'bare'
/** Not in mode `bare`. */
export const sluice = mode === 'bare' ? undefined : createSluice({ mode })
const findings = new Map()
sluice?.on('finding', ({ id, code, count, label, scope, fix }) =>
  findings.set(id, `${code} ${count} × ${label} in ${scope}: ${fix ?? 'no fix known'}`),
)
sluice?.on('error', (error) => console.error('Sluice:', error))
// Read by the preloaded script.
globalThis.__appReport = () => sluice && { ...sluice.queries.getStats(), findings: [...findings.values()] }
