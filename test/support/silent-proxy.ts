import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Passes connections on to a server, until they fall silent: nobody is told, and nothing passes any more. */
export interface SilentProxy {
  /** The address of the server, through it. */
  readonly url: string
  /** Connections that are there now fall silent; new ones pass. */
  silence(): void
  /** The next message to the server with such a text passes; nothing that is said on its connection after that. Resolves when it was. */
  loseAnswerTo(text: string): Promise<void>
  /** Whether nothing passes on new connections, which are accepted all the same. */
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
      // The server hears nothing of it, either.
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
