import { createServer, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createResponseCache, RequestScopes } from '@sluice/http'
import { expect, it, onTestFinished } from 'vitest'
import { authority, nodeCertificate, nodeKey, proxyCertificate, proxyKey } from '../support/certificates.ts'
import { cityTable } from './city-table.ts'

it('caches nothing for clients with a certificate unless the app distinguishes them', async () => {
  const { sluice, db, close } = await cityTable()
  onTestFinished(close)
  const scopes = new RequestScopes(sluice, { report: false, serverTiming: false })
  const caches = {
    '/plain': createResponseCache(sluice),
    '/keyed': createResponseCache(sluice, { key: () => 'everybody' }),
  }
  let runs = 0
  const tls = {
    cert: nodeCertificate,
    key: nodeKey,
    ca: authority,
    requestCert: true,
    rejectUnauthorized: false,
  }
  const server = createServer(tls, (request, response) => {
    scopes.open(response, `GET ${request.url}`).enter(async () => {
      if (await caches[request.url as keyof typeof caches].answer(request, response)) return
      runs += 1
      const city = await db('cities').where({ id: 1 }).first()
      response.end(city.name)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const get = (path: string, own = {}) =>
    new Promise<string | undefined>((resolve, reject) => {
      httpsRequest(
        { host: '127.0.0.1', port, path, ca: authority, servername: 'node.test', agent: false, ...own },
        (response) => {
          response.resume().on('end', () => resolve(response.headers['cache-status'] as string | undefined))
        },
      )
        .on('error', reject)
        .end()
    })
  const shown = { cert: proxyCertificate, key: proxyKey }

  for (let at = 0; at < 2; at += 1)
    expect(await get('/plain', shown)).toBe('Sluice; fwd=bypass; detail="client certificate"')
  expect(runs).toBe(2)
  for (let at = 0; at < 2; at += 1) await get('/plain')
  expect(runs).toBe(3)
  for (let at = 0; at < 2; at += 1) await get('/keyed', shown)
  expect(runs).toBe(4)
})
