// Preloaded into Knex's tests: replaces the function that creates every Knex instance.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { withSluice } from '@sluice/knex'
import { scopeRunnables } from './mocha-scopes.mjs'
import { sluice } from './sluice.mjs'

const { SLUICE_SUITE_CHECKOUT: checkout } = process.env
scopeRunnables(checkout)
const require = createRequire(join(checkout, 'package.json'))
const path = require.resolve('./lib/knex-builder/Knex.js')
const original = require(path)
if (sluice !== undefined) {
  require.cache[path].exports = Object.assign(function knex(...args) {
    return withSluice(original(...args), sluice)
  }, original)
}
