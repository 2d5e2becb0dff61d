import { type AddressInfo, connect } from 'node:net'
import { createSluice, type ScopeReport } from '@sluice/core'
import { createResponseCache } from '@sluice/http'
import fastify, { type FastifyReply } from 'fastify'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import { sluiceLoadShed, sluiceMetrics, sluicePlugin, sluiceResponseCache } from '../src/index.ts'

async function serve() {
  const sluice = createSluice({ mode: 'optimize', cache: { ttl: 60 } })
  const reports: ScopeReport[] = []
  sluice.on('scope', (report) => reports.push(report))
  const app = fastify()
  await app.register(sluiceLoadShed, { maxConcurrent: 1, maxEventLoopDelayMs: 0 })
  await app.register(sluiceMetrics, { sluice })
  await app.register(sluicePlugin, { sluice, report: false, serverTiming: true })
  await app.register(sluiceResponseCache, { sluice })
  onTestFinished(async () => {
    app.server.closeAllConnections()
    await app.close()
    await sluice.close()
  })
  let runs = 0
  const raw = (path: string, config: object, write: (reply: FastifyReply) => void) =>
    app.get(path, { config }, (_request, reply) => {
      runs += 1
      reply.hijack()
      write(reply)
    })
  raw('/plain/:id', {}, ({ raw: response }) =>
    response.writeHead(201, { 'content-type': 'text/plain' }).end('made'),
  )
  raw('/fails', {}, ({ raw: response }) => response.writeHead(503).end())
  raw('/hangs', {}, ({ raw: response }) => response.writeHead(200).write('a'))
  const kept = { responseCache: { tags: ['all'] } }
  raw('/kept', kept, ({ raw: response }) =>
    response.writeHead(200, { 'content-type': 'text/plain' }).end('kept'),
  )
  raw('/cookie', kept, ({ raw: response }) =>
    response.writeHead(200, [['set-cookie', 'a=1']] as never).end('mine'),
  )
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, headers: response.headers, body: await response.text() }
  }
  return { sluice, reports, get, port, runs: () => runs }
}

describe('hijacked replies', () => {
  it('counts a hijacked reply once by route and status, with a request ID and Server-Timing', async () => {
    const { get, reports } = await serve()
    const { status, body, headers } = await get('/plain/7')
    expect([status, body]).toEqual([201, 'made'])
    expect(headers.get('server-timing')).toContain('0 queries')
    await get('/fails')
    await vi.waitFor(() => expect(reports).toHaveLength(2), SOON)
    expect(reports.map(({ name, statusCode, requestId }) => [name, statusCode, requestId])).toEqual([
      ['GET /plain/:id', 201, headers.get('x-request-id')],
      ['GET /fails', 503, expect.stringMatching(/^[\da-f-]{36}$/)],
    ])
    const text = (await get('/metrics')).body
    const count = 'http_server_request_duration_seconds_count'
    expect(text).toContain(
      `${count}{http_request_method="GET",http_route="/plain/:id",http_response_status_code="201"} 1\n`,
    )
    expect(text).toContain(
      `${count}{http_request_method="GET",http_route="/fails",http_response_status_code="503"} 1\n`,
    )
    expect(text).toContain('sluice_scope_failures_total{sluice_scope_name="GET /fails"} 1\n')
  })

  it('counts a hijacked reply as in flight until its client disconnects', async () => {
    const { get, port, reports } = await serve()
    const socket = connect(port, '127.0.0.1', () => socket.write('GET /hangs HTTP/1.1\r\nhost: a\r\n\r\n'))
    await new Promise((resolve) => socket.once('data', resolve))
    expect((await get('/plain/1')).status).toBe(503)
    socket.destroy()
    await vi.waitFor(() => expect(reports.map(({ name }) => name)).toContain('GET /hangs'), SOON)
    expect((await get('/plain/1')).status).toBe(201)
  })

  it('caches hijacked replies except those with Set-Cookie', async () => {
    const { sluice, get, runs } = await serve()
    for (let at = 0; at < 2; at += 1) expect(await get('/kept')).toMatchObject({ status: 200, body: 'kept' })
    expect(runs()).toBe(1)
    for (let at = 0; at < 2; at += 1) expect((await get('/cookie')).headers.getSetCookie()).toEqual(['a=1'])
    expect(runs()).toBe(3)
    expect(createResponseCache(sluice).getStats()).toMatchObject({
      hits: 1,
      stored: 1,
      notStored: { SET_COOKIE: 2 },
    })
  })
})
