// Starts Ghost with Sluice, if APP_MODE is a mode of Sluice, at two places: the Knex instance of all models, and
// the app that all requests pass first. Others edit these two files.
const Module = require('node:module')
const { createSluice } = require('@sluice/core')
const { sluiceMiddleware } = require('@sluice/express')
const { withSluice } = require('@sluice/knex')

// Defined by the preloaded script.
const sluice = globalThis.createAppSluice(createSluice)

const attach = {
  'core/server/data/db/connection.js': {
    knex: (knex) => (configuration) => withSluice(knex(configuration), sluice),
  },
  'core/server/web/parent/app.js': {
    '../../../shared/express': (express) => (name) => express(name).use(sluiceMiddleware(sluice)),
  },
}

const load = Module._load
Module._load = function (request, parent, isMain) {
  const loaded = load.call(this, request, parent, isMain)
  const file = Object.keys(attach).find((name) => parent?.filename?.endsWith(name))
  const wrap = sluice && attach[file]?.[request]
  return wrap ? wrap(loaded) : loaded
}

require('./index.js')
