import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * A line between two regions: data arrives after a delay. It can be cut, and its connections can be reset.
 */
export class DelayProxy {
  readonly #server
  readonly #pairs = new Set<Pair>()
  #isCut = false

  private constructor(
    private readonly target: number,
    private readonly delayMs: number,
  ) {
    this.#server = createServer((client) => {
      const pair = new Pair(client, connect(this.target, '127.0.0.1'), this.delayMs)
      pair.isCut = this.#isCut
      this.#pairs.add(pair)
      client.on('close', () => this.#pairs.delete(pair))
    })
  }

  /** @param delayMs - For each way. */
  static async open(target: number, delayMs: number): Promise<DelayProxy> {
    const proxy = new DelayProxy(target, delayMs)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** While the line is cut, nothing passes, in connections that stay open. Afterwards, the rest arrives. */
  cut(isCut: boolean): void {
    this.#isCut = isCut
    for (const pair of this.#pairs) {
      pair.isCut = isCut
      pair.flush()
    }
  }

  /** Ends all connections. */
  reset(): void {
    for (const pair of this.#pairs) pair.destroy()
  }

  async close(): Promise<void> {
    this.reset()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

interface Packet {
  readonly to: Socket
  readonly data: Buffer
  readonly dueAt: number
}

class Pair {
  isCut = false
  /** In the order in which it was sent. */
  readonly #underWay: Packet[] = []

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
    private readonly delayMs: number,
  ) {
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (data) => {
        this.#underWay.push({ to, data, dueAt: performance.now() + this.delayMs })
        setTimeout(() => this.flush(), this.delayMs + 1)
      })
      from.on('error', () => this.destroy())
      from.on('close', () => this.destroy())
      from.setNoDelay(true)
    }
    pass(client, server)
    pass(server, client)
  }

  flush(): void {
    const now = performance.now()
    while (!this.isCut && this.#underWay[0] !== undefined && this.#underWay[0].dueAt <= now) {
      const { to, data } = this.#underWay.shift() as Packet
      if (!to.destroyed) to.write(data)
    }
  }

  destroy(): void {
    this.#underWay.length = 0
    this.client.destroy()
    this.server.destroy()
  }
}
