import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Forwards connections to a server until they go silent: they stay open, and no data passes. */
export interface SilentProxy {
  /** The URL of the server, through the proxy. */
  readonly url: string
  /** Existing connections go silent; new ones work. */
  silence(): void
  /**
   * Forwards the next message to the server that contains this string, and no later data on its connection.
   * Resolves afterwards.
   */
  loseAnswerTo(text: string): Promise<void>
  /** Whether no data passes on new connections, which are accepted anyway. */
  swallow(isOn: boolean): void
  close(): Promise<void>
}

interface Link {
  readonly client: Socket
  readonly server: Socket
  isSilent: boolean
}

export async function silentProxy(url: string): Promise<SilentProxy> {
  const target = new URL(url)
  const links = new Set<Link>()
  let isSwallowing = false
  let awaited: { readonly text: string; readonly resolve: () => void } | undefined
  const listener = createServer((client) => {
    const server = connect(Number(target.port), target.hostname)
    const link: Link = { client, server, isSilent: isSwallowing }
    links.add(link)
    client.on('data', (data) => {
      if (link.isSilent) return
      if (awaited !== undefined && data.includes(awaited.text)) {
        link.isSilent = true
        awaited.resolve()
        awaited = undefined
      }
      server.write(data)
    })
    server.on('data', (data) => {
      if (!link.isSilent) client.write(data)
    })
    client.on('close', () => {
      // The server is not notified, either.
      if (link.isSilent) return
      links.delete(link)
      server.destroy()
    })
    server.on('close', () => {
      if (!link.isSilent) client.destroy()
    })
    for (const socket of [client, server]) socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = new URL(url)
  address.port = String((listener.address() as AddressInfo).port)
  return {
    url: address.href,
    silence: () => {
      for (const link of links) link.isSilent = true
    },
    loseAnswerTo: (text) =>
      new Promise((resolve) => {
        awaited = { text, resolve }
      }),
    swallow: (isOn) => {
      isSwallowing = isOn
    },
    close: async () => {
      for (const { client, server } of links) {
        client.destroy()
        server.destroy()
      }
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
