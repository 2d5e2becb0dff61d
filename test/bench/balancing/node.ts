// A node to send requests to: answers so many bytes, or what it is sent.
import { createServer } from 'node:http'

const small = Buffer.alloc(1_024, 'a')
const large = Buffer.alloc(65_536, 'a')

const server = createServer((request, response) => {
  if (request.method === 'POST') {
    request.resume()
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
