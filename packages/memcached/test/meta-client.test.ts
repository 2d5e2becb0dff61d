import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { MetaClient, type MetaClientOptions } from '../src/meta-client.ts'
import type { MetaReply } from '../src/reply-parser.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A server that records commands and replies on demand. It answers the greeting of each connection. */
class FakeServer {
  readonly sockets: Socket[] = []
  readonly received: string[] = []
  greeting = 'VERSION 1.6.38'
  #server: Server | undefined
  port = 0

  async start(): Promise<void> {
    const server = createServer((socket) => this.#accept(socket))
    this.#server = server
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    this.port = (server.address() as AddressInfo).port
  }

  reply(text: string): void {
    this.sockets.at(-1)?.write(text)
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((resolve) => this.#server?.close(resolve))
  }

  #accept(socket: Socket): void {
    this.sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const text = data.toString()
      if (text === 'version\r\n') socket.write(`${this.greeting}\r\n`)
      else if (text === 'mn\r\n') socket.write('MN\r\n')
      else this.received.push(text)
    })
  }
}

async function serve(): Promise<FakeServer> {
  const server = new FakeServer()
  await server.start()
  cleanups.push(() => server.stop())
  return server
}

function clientOf({ port }: { readonly port: number }, options: Partial<MetaClientOptions> = {}): MetaClient {
  const client = new MetaClient({
    address: { host: '127.0.0.1', port },
    timeoutMs: 200,
    tls: undefined,
    auth: undefined,
    ...options,
  })
  cleanups.push(() => client.close())
  return client
}

async function until(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2_000; tries += 1) {
    if (isSo()) return
    await after(5)
  }
  throw new Error('It was not so within 10 s.')
}

async function connected(): Promise<{ server: FakeServer; client: MetaClient }> {
  const server = await serve()
  const client = clientOf(server)
  await client.connected()
  return { server, client }
}

const codes = (replies: readonly MetaReply[]) => replies.map(({ code }) => code)

describe('MetaClient', () => {
  it('assigns replies in the order of the calls, however they are split', async () => {
    const { server, client } = await connected()
    const first = client.send(['mg a v\r\n', 'mg b v t\r\n'], 2)
    const second = client.send(['mg c v\r\n'], 1)
    await until(() => server.received.length > 0)
    // Commands of one tick leave in one write.
    expect(server.received).toEqual(['mg a v\r\nmg b v t\r\nmg c v\r\n'])
    for (const part of ['V', 'A 2\r', '\nhi\r', '\nVA 4 t77', ' c5\r\na\r\nb\r\n', 'EN\r\n']) {
      server.reply(part)
      await after(5)
    }
    const [a, b] = await first
    expect(a?.data?.toString()).toBe('hi')
    expect(b?.data?.toString()).toBe('a\r\nb')
    expect(b?.flags).toEqual({ t: '77', c: '5' })
    expect(codes(await second)).toEqual(['EN'])
  })

  it('reads statistics as one reply', async () => {
    const { server, client } = await connected()
    const sent = client.send(['stats\r\n'], 1)
    server.reply('STAT evictions 5\r\nSTAT pid 1\r\nEND\r\n')
    expect((await sent)[0]?.flags).toEqual({ evictions: '5', pid: '1' })
  })

  it('closes the connection if a reply is late, so that no later reply is assigned to another call', async () => {
    const { server, client } = await connected()
    const { link } = client
    const late = client.send(['mg a v\r\n'], 1)
    await expect(late).rejects.toThrow('No reply')
    expect(client.isReady).toBe(false)
    server.reply('VA 3\r\nold\r\n')
    await until(() => client.isReady)
    expect(client.link).toBe(link + 1)
    const next = client.send(['mg b v\r\n'], 1)
    await until(() => server.received.length === 2)
    server.reply('VA 3\r\nnew\r\n')
    expect((await next)[0]?.data?.toString()).toBe('new')
    expect(server.received).toEqual(['mg a v\r\n', 'mg b v\r\n'])
  })

  it('queues nothing without a connection, and sends nothing twice', async () => {
    const { server, client } = await connected()
    const lost = client.send(['ms a 1\r\nx\r\n'], 1)
    await until(() => server.received.length === 1)
    await server.stop()
    await expect(lost).rejects.toThrow()
    await expect(client.send(['ms b 1\r\nx\r\n'], 1)).rejects.toThrow('not connected')
    await server.start()
    await until(() => client.isReady)
    await after(50)
    expect(server.received).toEqual(['ms a 1\r\nx\r\n'])
  })

  it('sends on a given connection or not at all', async () => {
    const { server, client } = await connected()
    const { link } = client
    server.sockets[0]?.destroy()
    await until(() => client.isReady && client.link !== link)
    await expect(client.send(['ms a 1 C5\r\nx\r\n'], 1, link)).rejects.toThrow('not connected')
    expect(server.received).toEqual([])
  })

  it.each(['ERROR', 'CLIENT_ERROR bad data chunk'])('closes the connection after %s', async (text) => {
    const { server, client } = await connected()
    const calls = [client.send(['mg a v\r\n'], 1), client.send(['mg b v\r\n'], 1)]
    server.reply(`${text}\r\nEN\r\nEN\r\n`)
    for (const call of await Promise.allSettled(calls)) expect(call.status).toBe('rejected')
    expect(client.isReady).toBe(false)
  })

  it.each(['x'.repeat(20_000), 'VA x f2\r\n'])(
    'closes the connection after bytes that are not a reply',
    async (text) => {
      const { server, client } = await connected()
      const call = client.send(['mg a\r\n'], 1)
      await until(() => server.received.length > 0)
      server.reply(text)
      await expect(call).rejects.toThrow(/ sent a (line|value) of /)
    },
  )

  it('closes the connection after bytes that no call has requested, before they end a reply', async () => {
    const { server, client } = await connected()
    server.reply('VA 1000000 f2\r\nxxx')
    await until(() => !client.isReady)
    await expect(client.send(['mg a\r\n'], 1)).rejects.toThrow()
  })

  it('returns an error of the server as a reply', async () => {
    const { server, client } = await connected()
    const sent = client.send(['ms a 1\r\nx\r\n'], 1)
    server.reply('SERVER_ERROR out of memory storing object\r\n')
    expect(codes(await sent)).toEqual(['SERVER_ERROR'])
    expect(client.isReady).toBe(true)
  })

  it.each(['VERSION 1.5.22', 'VERSION 1.6.19', 'VERSION 1.4.39 (Ubuntu)', 'ERROR'])(
    'rejects a server that replies %s to the question for its version',
    async (greeting) => {
      const server = await serve()
      server.greeting = greeting
      const client = clientOf(server)
      const refused = {
        code: 'SLUICE_STORE_UNAVAILABLE',
        message: expect.stringContaining('1.6.20 or later'),
      }
      await expect(client.connected()).rejects.toMatchObject(refused)
      await expect(client.send(['mg a v\r\n'], 1)).rejects.toMatchObject(refused)
      expect(client.isReady).toBe(false)
      // It was upgraded.
      server.greeting = 'VERSION 1.6.20'
      await until(() => client.isReady)
    },
  )

  it('is not connected to a server that only accepts connections', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanups.push(() => server.close())
    const client = clientOf(server.address() as AddressInfo)
    await expect(client.connected()).rejects.toMatchObject({ code: 'SLUICE_STORE_UNAVAILABLE' })
    expect(client.isReady).toBe(false)
  })

  it('rejects calls when it is closed', async () => {
    const { client } = await connected()
    const sent = client.send(['mg a v\r\n'], 1)
    client.close()
    await expect(sent).rejects.toThrow('closed')
  })
})
