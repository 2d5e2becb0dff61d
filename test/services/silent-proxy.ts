import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * A proxy between a client and a server on this machine. Its connections can go silent like a network that
 * lost them: they stay open, and no data arrives.
 */
export class SilentProxy {
  readonly #server
  readonly #pairs = new Set<Pair>()

  private constructor(private readonly target: number) {
    this.#server = createServer((client) => {
      const pair = new Pair(client, connect(this.target, '127.0.0.1'))
      this.#pairs.add(pair)
      client.on('close', () => this.#pairs.delete(pair))
    })
  }

  static async open(target: number): Promise<SilentProxy> {
    const proxy = new SilentProxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /**
   * Makes all existing connections go silent. New connections work.
   *
   * @param what - `answers`: the server still receives data from the client, and the client receives none.
   */
  silence(what: 'all' | 'answers'): void {
    for (const pair of this.#pairs) pair.silence(what)
  }

  close(): void {
    this.#server.close()
    for (const pair of this.#pairs) pair.destroy()
  }
}

class Pair {
  #hearsClient = true
  #hearsServer = true

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
  ) {
    client.on('data', (data) => {
      if (this.#hearsClient) server.write(data)
    })
    server.on('data', (data) => {
      if (this.#hearsServer) client.write(data)
    })
    for (const socket of [client, server]) {
      socket.on('error', () => this.destroy())
      socket.on('close', () => this.destroy())
    }
  }

  silence(what: 'all' | 'answers'): void {
    this.#hearsServer = false
    if (what === 'all') this.#hearsClient = false
  }

  destroy(): void {
    this.client.destroy()
    this.server.destroy()
  }
}
