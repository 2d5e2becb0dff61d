// An app that stops on a signal: `node app.main.ts <framework>`. Prints its port and its exit state to
// stdout.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice } from '@sluice/core'
import { sluiceHealth as expressHealth, sluiceMiddleware } from '@sluice/express'
import { sluiceHealth as fastifyHealth, sluicePlugin, sluiceShutdown } from '@sluice/fastify'
import { createHealth, gracefulShutdown, RequestScopes } from '@sluice/http'
import express from 'express'
import fastify from 'fastify'

const [framework = 'node', drainDelayMs = '300', timeoutMs = '5000'] = process.argv.slice(2)
const quiet = { report: false, serverTiming: false }
const sluice = createSluice({ jobs: false })
const options = {
  drainDelayMs: Number(drainDelayMs),
  timeoutMs: Number(timeoutMs),
  close: () => process.stdout.write('closed\n'),
}
const work = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const port = (server: { address(): unknown }) =>
  process.stdout.write(`port ${(server.address() as AddressInfo).port}\n`)

if (framework === 'fastify') {
  const app = fastify()
  await app.register(sluiceShutdown, { sluice, ...options })
  await app.register(fastifyHealth, { sluice })
  await app.register(sluicePlugin, { sluice, ...quiet })
  app.get('/work/:ms', async (request) => {
    await work(Number((request.params as { ms: string }).ms))
    return 'done'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  port(app.server)
} else if (framework === 'express') {
  const app = express()
  app.use(expressHealth(sluice))
  app.use(sluiceMiddleware(sluice, quiet))
  app.get('/work/:ms', async (request, response) => {
    await work(Number(request.params.ms))
    response.send('done')
  })
  const server = createServer(app)
  gracefulShutdown(server, sluice, options)
  server.listen(0, '127.0.0.1', () => port(server))
} else {
  const health = createHealth(sluice)
  const scopes = new RequestScopes(sluice, quiet)
  const server = createServer((request, response) => {
    if (request.url === '/readyz') return void health.ready(request, response)
    if (request.url === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      return void response.write('data: hello\n\n')
    }
    scopes.open(response, `GET ${request.url}`).enter(async () => {
      await work(Number(request.url?.split('/')[2]))
      response.end('done')
    })
  })
  server.on('upgrade', (_request, socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'),
  )
  gracefulShutdown(server, sluice, options)
  server.listen(0, '127.0.0.1', () => port(server))
}
