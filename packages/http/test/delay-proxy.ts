import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** The way to a server in another region: bytes arrive late, and it can be interrupted. */
export class DelayProxy {
  readonly #server
  readonly #sockets = new Set<Socket>()

  private constructor(target: number, wayMs: number) {
    this.#server = createServer((client) => {
      const server = connect(target, '127.0.0.1')
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        this.#sockets.add(from)
        from.on('data', (data) => setTimeout(() => to.write(data), wayMs / 2))
        from.on('error', () => to.destroy())
        from.on('close', () => {
          this.#sockets.delete(from)
          setTimeout(() => to.destroy(), wayMs / 2)
        })
      }
    })
  }

  /** @param wayMs - Milliseconds, there and back. */
  static async open(target: number, wayMs: number): Promise<DelayProxy> {
    const proxy = new DelayProxy(target, wayMs)
    await proxy.#listen(0)
    onTestFinished(async () => void (await proxy.interrupt()))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Closes connections, and refuses new ones. Returns the function that accepts them again. */
  async interrupt(): Promise<() => Promise<void>> {
    const address = this.#server.address() as AddressInfo | null
    const closed = new Promise((resolve) => this.#server.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
    return () => this.#listen(address?.port ?? 0)
  }

  #listen(port: number): Promise<void> {
    return new Promise((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
  }
}
