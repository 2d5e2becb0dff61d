// A node that receives requests: responds with a number of bytes, or reads the body; `/100m` is large, and
// `/slow` is slow.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'

const small = Buffer.alloc(1_024, 'a')
const large = Buffer.alloc(65_536, 'a')

function* chunks(): Generator<Buffer> {
  for (let at = 0; at < 1_600; at += 1) yield large
}

function sendLarge(response: ServerResponse): void {
  response.writeHead(200, { 'content-length': 1_600 * large.length })
  pipeline(Readable.from(chunks(), { objectMode: true, highWaterMark: 1 }), response, () => {})
}

function takeSlowly(request: IncomingMessage): void {
  request.on('data', () => {
    request.pause()
    setTimeout(() => request.resume(), 1)
  })
}

const server = createServer((request, response) => {
  if (request.url === '/100m') {
    sendLarge(response)
    return
  }
  if (request.method === 'POST') {
    if (request.url === '/slow') takeSlowly(request)
    else request.resume()
    request.on('end', () => response.writeHead(200, { 'content-length': small.length }).end(small))
    return
  }
  const body = request.url === '/64k' ? large : small
  response.writeHead(200, { 'content-length': body.length }).end(body)
})
server.keepAliveTimeout = 60_000
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 })
})
process.on('disconnect', () => process.exit())
