import { connect } from 'node:net'
import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import { askRaw, openProxy, serve, statusOf } from './world.ts'

/** Node's server looks for clients that are too slow; more often here than it does by itself. */
const TIMEOUTS = { connectionsCheckingInterval: 50, headersTimeout: 200, requestTimeout: 400 }

/** A client's connection that takes no byte of the response. */
class StuckClient extends Duplex {
  override _read(): void {}

  override _write(): void {}
}

/** A client's connection that takes nothing until it is released, and then everything. */
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

describe('clients that are slow', () => {
  async function counted() {
    let seen = 0
    const node = await serve((request, response) => {
      seen += 1
      request.on('error', () => {})
      request.resume().on('end', () => response.end('well'))
    })
    return { node, seen: () => seen }
  }

  it('are answered with 408 when their headers take too long, and no node hears of them', async () => {
    const { node, seen } = await counted()
    const { port } = await openProxy({ nodes: [node.address] }, TIMEOUTS)
    expect(statusOf(await text(port, 'GET / HTTP/1.1\r\nhost: a\r\nx-a: '))).toBe(408)
    expect(statusOf(await text(port, 'GET'))).toBe(408)
    expect(seen()).toBe(0)
  })

  it('are answered with 408 when their body takes too long, and the node is free again, and has not failed', async () => {
    const { node } = await counted()
    const { port, proxy } = await openProxy({ nodes: [node.address] }, TIMEOUTS)
    expect(statusOf(await text(port, 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nha'))).toBe(408)
    expect(statusOf(await text(port, 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nha\r\n'))).toBe(408)
    expect(statusOf(await text(port, 'PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nha'))).toBe(408)
    await expect.poll(() => proxy.balancer.getClusterStats(), SOON).toMatchObject({ activeConnections: 0, failedRequests: 0 })
  })

  it('lose their connection when they take nothing of their answer, and the node is free again', async () => {
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
    await expect.poll(() => new Promise((resolve) => server.getConnections((_error, count) => resolve(count))), SOON).toBe(0)
    expect(proxy.balancer.getClusterStats().failedRequests).toBe(0)
    socket.destroy()
  })

  it.each([20_000, 100_000, 300_000])('lose their connection when they take nothing of %d bytes', async (bytes) => {
    const node = await serve((_request, response) => response.end(Buffer.alloc(bytes)))
    const { proxy, server } = await openProxy({ nodes: [node.address], sendTimeoutMs: 200 })
    const client = new StuckClient()
    server.emit('connection', client)
    client.push('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await expect.poll(() => client.destroyed, SOON).toBe(true)
    expect(proxy.balancer.getClusterStats()).toMatchObject({ activeConnections: 0, failedRequests: 0 })
  })

  it('have little of a large response wait for them', async () => {
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
    // The bound, one chunk more, and the headers.
    expect(before).toBeLessThan(131_072 + 65_536 + 1_024)
  })

  it('are waited for by a middleware that takes their response, and the node with it', async () => {
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

  it('get all of it when their connection buffers more than what was sent at first', async () => {
    let send = () => {}
    const node = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 60_000 })
      send = () => void response.write(Buffer.alloc(20_000))
      send()
    })
    const { server } = await openProxy({ nodes: [node.address], sendTimeoutMs: 500 })
    // The default of Node 22 and later.
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

  it('get all of it when they are slow and not stuck', async () => {
    const body = Buffer.alloc(3_000_000, 'abc')
    const node = await serve((_request, response) => response.end(body))
    const { port } = await openProxy({ nodes: [node.address], sendTimeoutMs: 2_000 })
    const chunks: Buffer[] = []
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'))
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
