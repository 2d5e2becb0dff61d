// Preloaded into Kysely's tests. They import Kysely from one file: `kysely-hooks.mjs` puts a module in
// between, whose Kysely opens each dialect through Sluice.
import { register } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { scopeRunnables } from './mocha-scopes.mjs'

const { SLUICE_SUITE_CHECKOUT: checkout, SLUICE_SUITE_URL: url = '' } = process.env
scopeRunnables(checkout)
register('./kysely-hooks.mjs', import.meta.url, {
  data: { checkout: pathToFileURL(join(checkout, '/')).href },
})
const { DIALECT_CONFIGS } = await import(pathToFileURL(join(checkout, 'test/node/dist/test-setup.js')).href)
if (url !== '') {
  const { hostname: host, port, username: user, password, pathname } = new URL(url)
  const server = { host, port: Number(port), user, password, database: pathname.slice(1) }
  for (const config of [DIALECT_CONFIGS.postgres, DIALECT_CONFIGS.mysql]) Object.assign(config, server)
}
