import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import { askRaw, openProxy, serve, statusOf } from './world.ts'

/** Makes the server of Node check for slow clients more often than by default. */
const TIMEOUTS = { connectionsCheckingInterval: 50, headersTimeout: 200, requestTimeout: 400 }

/** A client connection that reads nothing of the response. */
class StuckClient extends Duplex {
  override _read(): void {}

  override _write(): void {}
}

/** A client connection that reads nothing until it is released, and then everything. */
class LateClient extends Duplex {
  taken = 0
  #release: (() => void) | undefined
  #isLate = true

  get isHeld(): boolean {
    return this.#release !== undefined
  }

  release(): void {
    this.#isLate = false
    this.#release?.()
  }

  override _read(): void {}

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.taken += chunk.length
    if (this.#isLate) this.#release = done
    else done()
  }
}

function text(port: number, bytes: string): Promise<string> {
  return askRaw(port, bytes, 3_000)
}

describe('slow clients', () => {
  async function counted() {
    let seen = 0
    const node = await serve((request, response) => {
      seen += 1
      request.on('error', () => {})
      request.resume().on('end', () => response.end('well'))
    })
    return { node, seen: () => seen }
  }

  it('responds with 408 when headers take too long, and sends nothing to a node', async () => {
    const { node, seen } = await counted()
    const { port } = await openProxy({ nodes: [node.address] }, TIMEOUTS)
    expect(statusOf(await text(port, 'GET / HTTP/1.1\r\nhost: a\r\nx-a: '))).toBe(408)
    expect(statusOf(await text(port, 'GET'))).toBe(408)
    expect(seen()).toBe(0)
  })

  it('responds with 408 when a body takes too long, releases the node, and counts no failure of it', async () => {
    const { node } = await counted()
    const { port, proxy } = await openProxy({ nodes: [node.address] }, TIMEOUTS)
    expect(statusOf(await text(port, 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nha'))).toBe(
      408,
    )
    expect(
      statusOf(
        await text(port, 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nha\r\n'),
      ),
    ).toBe(408)
    expect(statusOf(await text(port, 'PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nha'))).toBe(408)
    await expect
      .poll(() => proxy.balancer.getClusterStats(), SOON)
      .toMatchObject({ activeConnections: 0, failedRequests: 0 })
  })

  it('disconnects a client that reads nothing of a response, and releases the node', async () => {
    let isClosed = false
    const node = await serve((_request, response) => {
      response.on('close', () => {
        isClosed = true
      })
      response.end(Buffer.alloc(64_000_000))
    })
    const { port, proxy, server } = await openProxy({ nodes: [node.address], sendTimeoutMs: 200 })
    const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n'))
    socket.pause()
    socket.on('error', () => {})
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(1)
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(0)
    await expect.poll(() => isClosed, SOON).toBe(true)
    await expect
      .poll(() => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))), SOON)
      .toBe(0)
    expect(proxy.balancer.getClusterStats().failedRequests).toBe(0)
    socket.destroy()
  })

  it.each([20_000, 100_000, 300_000])(
    'disconnects a client that reads nothing of a response of %d bytes',
    async (bytes) => {
      const node = await serve((_request, response) => response.end(Buffer.alloc(bytes)))
      const { proxy, server } = await openProxy({ nodes: [node.address], sendTimeoutMs: 200 })
      const client = new StuckClient()
      server.emit('connection', client)
      client.push('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      await expect.poll(() => client.destroyed, SOON).toBe(true)
      expect(proxy.balancer.getClusterStats()).toMatchObject({ activeConnections: 0, failedRequests: 0 })
    },
  )

  it('limits how much of a large response is buffered for a client', async () => {
    const node = await serve((_request, response) => response.end(Buffer.alloc(64_000_000)))
    const { server } = await openProxy({ nodes: [node.address] })
    const client = new StuckClient()
    server.emit('connection', client)
    client.push('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    let before = 0
    const isStill = () => {
      const was = before
      before = client.writableLength
      return before > 0 && before === was
    }
    await expect.poll(isStill, { ...SOON, interval: 200 }).toBe(true)
    // The limit, one more chunk, and the headers.
    expect(before).toBeLessThan(131_072 + 65_536 + 1_024)
  })

  it('applies the backpressure of middleware that buffers the response', async () => {
    const node = await serve((_request, response) => response.end(Buffer.alloc(64_000_000)))
    const { proxy } = await openProxy({ nodes: [node.address], sendTimeoutMs: 200 })
    let taken = 0
    const front = await serve((request, response) => {
      response.write = (chunk: Buffer) => {
        taken += chunk.length
        return false
      }
      proxy.handler(request, response)
    })
    await text(front.port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThanOrEqual(65_536)
  })

  it('sends the whole response when the client connection buffers more than the first chunk', async () => {
    let send = () => {}
    const node = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 60_000 })
      send = () => void response.write(Buffer.alloc(20_000))
      send()
    })
    const { server } = await openProxy({ nodes: [node.address], sendTimeoutMs: 500 })
    // The default since Node 22.
    const client = new LateClient({ writableHighWaterMark: 65_536 })
    server.emit('connection', client)
    client.push('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await expect.poll(() => client.isHeld, SOON).toBe(true)
    client.release()
    // A pause takes effect after one more chunk.
    for (const taken of [40_000, 60_000]) {
      send()
      await expect.poll(() => client.taken > taken || client.destroyed, SOON).toBe(true)
      expect(client.destroyed).toBe(false)
    }
  })

  it('sends the whole response when a client is slow but still reads', async () => {
    const body = Buffer.alloc(3_000_000, 'abc')
    const node = await serve((_request, response) => response.end(body))
    const { port } = await openProxy({ nodes: [node.address], sendTimeoutMs: 2_000 })
    const chunks: Buffer[] = []
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () =>
        socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'),
      )
      socket.on('data', (data) => {
        chunks.push(data)
        socket.pause()
        setTimeout(() => socket.resume(), 2)
      })
      socket.on('end', () => resolve())
      socket.on('error', reject)
    })
    const all = Buffer.concat(chunks)
    expect(all.subarray(all.indexOf('\r\n\r\n') + 4).equals(body)).toBe(true)
  })
})
