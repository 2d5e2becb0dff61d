// A server of `http2`. Prints its responses.
import http2, { type ClientHttp2Session, type Http2SecureServer, type Http2Server } from 'node:http2'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import Koa from 'koa'
import { nodeCertificate, nodeKey } from '../../support/certificates.ts'
import { endWork, readInLoop } from './job-work.ts'

const answer = async () => `${(await readInLoop()).length}`

const koa = new Koa().use(async (context) => {
  context.body = await answer()
})

const SERVERS: Readonly<Record<string, () => Http2Server | Http2SecureServer>> = {
  request: () => http2.createServer(async (_, response) => void response.end(await answer())),
  stream: () =>
    http2.createServer().on('stream', async (stream) => {
      const body = await answer()
      stream.respond({ ':status': 200 })
      stream.end(body)
    }),
  secure: () =>
    http2.createSecureServer(
      { cert: nodeCertificate, key: nodeKey, allowHTTP1: true },
      async (_, response) => void response.end(await answer()),
    ),
  koa: () => http2.createServer(koa.callback()),
}

async function ask(session: ClientHttp2Session, path: string): Promise<string> {
  const stream = session.request({ ':path': path })
  let body = ''
  for await (const chunk of stream.setEncoding('utf8')) body += chunk
  return body
}

function askHttp1(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = https.get({ port, path, agent: false, rejectUnauthorized: false }, async (response) => {
      let body = ''
      for await (const chunk of response.setEncoding('utf8')) body += chunk
      resolve(body)
    })
    request.on('error', reject)
  })
}

const { APP_SERVER = 'request' } = process.env
const isSecure = APP_SERVER === 'secure'
const server = SERVERS[APP_SERVER]?.()
if (server === undefined) throw new Error(`There is no server ${APP_SERVER}.`)
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
const url = `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`
const session = http2.connect(url, { rejectUnauthorized: false })
console.log(await ask(session, '/shelves/7'))
if (isSecure) console.log(await askHttp1(port, '/old/7'))
session.close()
server.close()
await endWork()
