import { once } from 'node:events'
import { createServer, get, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Another service, which replies to every request. */
export class Peer {
  #server: Promise<Server> | undefined

  /** Sends a request, and waits for the response. */
  async request(): Promise<void> {
    this.#server ??= listen()
    const { port } = (await this.#server).address() as AddressInfo
    await new Promise<void>((resolve, reject) => {
      get({ host: '127.0.0.1', port, agent: false }, (response) =>
        response.resume().on('end', resolve).on('error', reject),
      ).on('error', reject)
    })
  }

  async close(): Promise<void> {
    const server = await this.#server
    if (server === undefined) return
    server.close()
    await once(server, 'close')
  }
}

async function listen(): Promise<Server> {
  const server = createServer((_, response) => response.end()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
