const { createSluice } = require('@sluice/core')
const { withSluice } = require('@sluice/knex')

const mode = process.env.APP_MODE ?? 'bare'
const sluice = mode === 'bare' ? undefined : createSluice({ mode })
const findings = new Map()
sluice?.on('finding', ({ id, code, count, label, scope, fix }) =>
  findings.set(id, `${code} ${count} × ${label} in ${scope}: ${fix ?? 'no fix known'}`),
)
sluice?.on('error', (error) => console.error('Sluice:', error))
// Read by the preloaded script.
globalThis.__appReport = () => sluice && { ...sluice.queries.getStats(), findings: [...findings.values()] }

module.exports = {
  register({ strapi }) {
    if (sluice === undefined) return
    withSluice(strapi.db.connection, sluice)
    // Before Strapi adds its middlewares, so that the scope contains the queries of all of them.
    strapi.server.use((context, next) => sluice.run(next, { name: `${context.method} ${context.path}` }))
  },
}
