import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '../services/free-port.ts'

/** An address at which one server can replace another: open connections stay with the old one. */
export interface TcpSwitch {
  /** Like the given URL, except for host and port. */
  url(url: string): string
  /** New connections lead to another server from now on. */
  lead(url: string): void
  close(): Promise<void>
}

export async function tcpSwitch(first: string): Promise<TcpSwitch> {
  let target = new URL(first)
  const sockets = new Set<Socket>()
  const server = createServer((incoming) => {
    const outgoing = connect(Number(target.port), target.hostname)
    for (const [one, other] of [
      [incoming, outgoing],
      [outgoing, incoming],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url(url) {
      const address = new URL(url)
      address.port = String(port)
      return address.href
    },
    lead(url) {
      target = new URL(url)
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
