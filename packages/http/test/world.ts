import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
  type ServerOptions,
} from 'node:http'
import { type AddressInfo, connect, createServer as createRawServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { ownNow } from '../../../test/support/own-clock.ts'
import { createProxy, type HttpProxy, type ProxyOptions } from '../src/proxy/index.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
  readonly trailers: IncomingMessage['trailers']
}

/** Starts a server on a free port and closes it when the test ends. */
export async function serve(
  listener: RequestListener,
  options: ServerOptions = {},
): Promise<{ readonly server: Server; readonly port: number; readonly address: string }> {
  const server = createServer(options, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { server, port, address: `127.0.0.1:${port}` }
}

/** A node that responds with bytes to any request; `undefined` closes the connection. */
export async function serveRaw(onData: (socket: Socket, data: string) => void): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createRawServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => onData(socket, data.toString('latin1')))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A port without a listener. */
export async function unusedAddress(): Promise<string> {
  const server = createRawServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `127.0.0.1:${port}`
}

/** A server with a proxy in front of nodes. */
export async function openProxy(
  options: ProxyOptions,
  serverOptions: ServerOptions = {},
): Promise<{ readonly proxy: HttpProxy; readonly port: number; readonly server: Server }> {
  const proxy = createProxy({ hangTimeoutMs: false, ...options })
  const { server, port } = await serve(proxy.handler, serverOptions)
  server.on('upgrade', proxy.upgrade)
  server.on('connection', proxy.connection)
  onTestFinished(() => proxy.close({ graceMs: 0 }))
  return { proxy, port, server }
}

export interface Ask {
  readonly method?: string
  readonly path?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string | Buffer
}

export function ask(
  port: number,
  { method = 'GET', path = '/', headers = {}, body }: Ask = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const { statusCode = 0, rawHeaders, trailers } = answer
        resolve({
          status: statusCode,
          headers: answer.headers,
          rawHeaders,
          body: Buffer.concat(chunks).toString(),
          trailers,
        })
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Sends bytes; returns the received bytes after the connection ends or is idle for `quietMs`. */
export function askRaw(port: number, bytes: string, quietMs = 150): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'))
    let text = ''
    // Uses the CPU time of this process, because a busy machine also delays the other side.
    let quietUntil = ownNow() + 3_000
    const timer = setInterval(() => {
      if (ownNow() >= quietUntil) done()
    }, 5)
    const done = () => {
      clearInterval(timer)
      socket.destroy()
      resolve(text)
    }
    socket.on('data', (data) => {
      text += data.toString('latin1')
      quietUntil = ownNow() + quietMs
    })
    socket.on('error', done)
    socket.on('close', done)
  })
}

export function statusOf(text: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0)
}
