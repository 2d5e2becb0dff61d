import { createServer, type RequestListener, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSluice } from '@sluice/core'
import { sluiceMiddleware } from '@sluice/express'
import { sluiceProxy } from '@sluice/express/proxy'
import { createProxy } from '@sluice/http/proxy'
import express5 from 'express'
// @ts-expect-error its types are those of Express 5, which are the same for everything used here
import express4 from 'express4'
import { describe, expect, it, onTestFinished } from 'vitest'

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function post(port: number, path: string, body: string) {
  return new Promise<{ status: number; cookies: string[]; timing: boolean; body: string }>(
    (resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
      const sent = request(
        { host: '127.0.0.1', port, path, method: 'POST', headers, agent: false },
        async (answer) => {
          let text = ''
          for await (const chunk of answer) text += chunk
          const cookies = answer.headers['set-cookie'] ?? []
          resolve({
            status: answer.statusCode ?? 0,
            cookies,
            timing: 'server-timing' in answer.headers,
            body: text,
          })
        },
      )
      sent.on('error', reject)
      sent.end(body)
    },
  )
}

describe.each([
  ['4', express4 as typeof express5],
  ['5', express5],
])('sluiceProxy with Express %s', (_, express) => {
  const node = () =>
    serve(async (incoming, response) => {
      let body = ''
      for await (const chunk of incoming) body += chunk
      response.writeHead(200, [
        ['set-cookie', 'a=1'],
        ['set-cookie', 'b=2'],
      ] as never)
      response.end(`${incoming.url} ${body}`)
    })

  it('forwards requests below its mount path when other middleware is present', async () => {
    const app = express()
    app.use(sluiceMiddleware(createSluice(), { report: false, serverTiming: true }))
    const middleware = sluiceProxy({ nodes: [`127.0.0.1:${await node()}`] })
    onTestFinished(() => middleware.proxy.close({ graceMs: 0 }))
    app.use('/api', middleware)
    app.post('/own', (_request, response) => void response.send('own'))
    const port = await serve(app)
    expect(await post(port, '/api/things?a=1', '{"b":2}')).toEqual({
      status: 200,
      cookies: ['a=1', 'b=2'],
      timing: true,
      body: '/things?a=1 {"b":2}',
    })
    expect((await post(port, '/own', '')).body).toBe('own')
  })

  it('is not called when a proxy in front of the app handles the request', async () => {
    const proxy = createProxy({ nodes: [`127.0.0.1:${await node()}`] })
    onTestFinished(() => proxy.close({ graceMs: 0 }))
    const app = express()
    app.use(express.json())
    app.post('/own', (request, response) => void response.json(request.body))
    const port = await serve((request, response) => {
      if (request.url?.startsWith('/api/')) proxy.handler(request, response)
      else app(request, response)
    })
    expect((await post(port, '/api/things?a=1', '{"b":2}')).body).toBe('/api/things?a=1 {"b":2}')
    expect((await post(port, '/own', '{"b":2}')).body).toBe('{"b":2}')
  })

  it('responds with 500 and does not hang when the body was already parsed', async () => {
    const app = express()
    app.use(express.json())
    const middleware = sluiceProxy({ nodes: [`127.0.0.1:${await node()}`] })
    onTestFinished(() => middleware.proxy.close({ graceMs: 0 }))
    app.use(middleware)
    expect((await post(await serve(app), '/', '{"b":2}')).status).toBe(500)
  })
})
