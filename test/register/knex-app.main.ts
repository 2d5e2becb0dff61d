// An app that does not know Sluice, unless a test asks for it. Prints its responses, and its statements.
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createSluice, getDefaultSluice } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { withSluice } from '@sluice/knex'
import express from 'express'
import fastify from 'fastify'
import knex from 'knex'
import { nodeCertificate, nodeKey } from '../support/certificates.ts'

const { APP_FRAMEWORK = 'http', APP_SLUICE, APP_MIDDLEWARE, APP_LISTENS, APP_REQUESTS = '1' } = process.env

const db = knex({
  client: 'better-sqlite3',
  connection: { filename: ':memory:' },
  useNullAsDefault: true,
  pool: { min: 1, max: 1 },
})
await db.schema.createTable('authors', (table) => {
  table.increments('id')
  table.string('name')
})
await db('authors').insert(Array.from({ length: 20 }, (_, at) => ({ name: `author ${at}` })))

let found = 0
const own = APP_SLUICE === 'own' ? createSluice() : undefined
if (own !== undefined) {
  if (APP_LISTENS !== 'no')
    own.on('finding', () => {
      found += 1
    })
  withSluice(db, own)
  process.on('exit', () => console.log(`seen ${own.queries.getStats().statements > 20}`))
} else if (APP_SLUICE === 'default') withSluice(db)

let statements = 0
db.on('query', () => {
  statements += 1
})

async function authors(): Promise<unknown[]> {
  const all: { readonly id: number }[] = await db('authors').select('id')
  if (APP_FRAMEWORK === 'concurrent')
    return await Promise.all(all.map(({ id }) => db('authors').where({ id }).first()))
  const rows: unknown[] = []
  for (const { id } of all) rows.push(await db('authors').where({ id }).first()) // the loop
  return rows
}

const listener: RequestListener = async (_request, response) => {
  response.end(JSON.stringify(await authors()))
}

async function listening(): Promise<Server> {
  if (APP_FRAMEWORK === 'fastify') {
    const app = fastify()
    app.get('/teams/:team/authors', authors)
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server
  }
  const app = express()
  if (APP_SLUICE === 'default') app.use(sluiceMiddleware())
  if (APP_MIDDLEWARE === 'own') app.use(sluiceMiddleware(own))
  app.get('/teams/:team/authors', async (_request, response) => void response.json(await authors()))
  const server =
    APP_FRAMEWORK === 'https'
      ? createSecureServer({ cert: nodeCertificate, key: nodeKey }, listener)
      : createServer(APP_FRAMEWORK === 'express' ? app : listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const server = await listening()
const { port } = server.address() as AddressInfo
for (let request = 0; request < Number(APP_REQUESTS); request += 1) {
  const response = await fetch(
    `${APP_FRAMEWORK === 'https' ? 'https' : 'http'}://127.0.0.1:${port}/teams/red/authors`,
  )
  console.log(response.status, response.headers.has('server-timing'), await response.text())
  // The catalog is read after the first request.
  await new Promise((resolve) => setTimeout(resolve, 50))
}
server.close()
server.closeAllConnections()
await db.destroy()
console.error(`statements ${statements}`)
console.error(`findings ${found}`)
console.error(`default ${getDefaultSluice().queries.getStats().statements > 20}`)
