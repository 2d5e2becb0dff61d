const { createSluice } = require('@sluice/core')
const { withSluice } = require('@sluice/knex')

// Defined by the preloaded script.
const sluice = globalThis.createAppSluice?.(createSluice)

module.exports = {
  register({ strapi }) {
    if (sluice === undefined) return
    withSluice(strapi.db.connection, sluice)
    // Before Strapi adds its middlewares, so that the scope contains the queries of all of them.
    strapi.server.use((context, next) => sluice.run(next, { name: `${context.method} ${context.path}` }))
  },
}
