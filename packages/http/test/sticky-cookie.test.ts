import { describe, expect, it } from 'vitest'
import { SOON } from '../../../test/support/patience.ts'
import { type Answer, ask, askRaw, openProxy, serve } from './world.ts'

async function threeNodes() {
  const nodes = await Promise.all(
    ['a', 'b', 'c'].map((name) => serve((_request, response) => response.end(name))),
  )
  return nodes.map(({ address }) => address)
}

const cookieOf = ({ headers }: Pick<Answer, 'headers'>) => headers['set-cookie']?.[0] ?? ''
const pairOf = (cookie: string) => cookie.split(';', 1)[0] ?? ''

describe('sticky', () => {
  it('sends a client to the node of its first request, and sets the cookie once', async () => {
    const { port } = await openProxy({ nodes: await threeNodes(), strategy: 'round-robin', sticky: true })
    const first = await ask(port)
    expect(cookieOf(first)).toMatch(/^sluice_node=[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax$/)
    const cookie = `theme=dark; ${pairOf(cookieOf(first))}; x=y`
    for (let at = 0; at < 5; at += 1) {
      const answer = await ask(port, { headers: { cookie } })
      expect(answer.body).toBe(first.body)
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    // Clients without the cookie are still distributed.
    const others = await Promise.all([ask(port), ask(port), ask(port)])
    expect(new Set(others.map(({ body }) => body)).size).toBe(3)
  })

  it('works across proxies with the same nodes and secret, and reveals no address', async () => {
    const nodes = await threeNodes()
    const sticky = { secret: 'a secret of the proxies' }
    const one = await openProxy({ nodes, sticky })
    const other = await openProxy({ nodes: [...nodes].reverse(), sticky })
    const first = await ask(one.port)
    const cookie = pairOf(cookieOf(first))
    for (let at = 0; at < 5; at += 1)
      expect((await ask(other.port, { headers: { cookie } })).body).toBe(first.body)
    for (const address of nodes) expect(cookie).not.toContain(address.split(':')[1])
  })

  it('is signed: without the secret a client cannot compute the value for a node', async () => {
    const nodes = await threeNodes()
    const tagAt = async (secret?: string | readonly string[]) => {
      const { port } = await openProxy({
        nodes: nodes.slice(0, 1),
        sticky: secret === undefined ? true : { secret },
      })
      return pairOf(cookieOf(await ask(port)))
    }
    const [first, second] = [await tagAt(), await tagAt()]
    expect(first).not.toBe(second)
    expect(await tagAt('one secret of 16')).not.toBe(await tagAt('two secrets of 16'))
    const { port } = await openProxy({
      nodes: nodes.slice(0, 1),
      sticky: { secret: ['new secret of 16', 'one secret of 16'] },
    })
    const old = await tagAt('one secret of 16')
    expect((await ask(port, { headers: { cookie: old } })).headers['set-cookie']).toBeUndefined()
    expect((await ask(port, { headers: { cookie: first } })).headers['set-cookie']).toBeDefined()
    await expect(openProxy({ nodes, sticky: { secret: 'short' } })).rejects.toThrow('sticky.secret')
  })

  it('moves a client when its node is down, and stays with the new node', async () => {
    const { port, proxy } = await openProxy({
      nodes: await threeNodes(),
      strategy: 'round-robin',
      sticky: true,
    })
    const first = await ask(port)
    const old = pairOf(cookieOf(first))
    const home =
      proxy.balancer.nodes.find(({ id }) => proxy.balancer.getNodeStats(id).requests === 1)?.id ?? ''
    proxy.balancer.updateNodeHealth(home, 'unhealthy')
    const second = await ask(port, { headers: { cookie: old } })
    expect(second.body).not.toBe(first.body)
    const moved = pairOf(cookieOf(second))
    expect(moved).not.toBe('')
    proxy.balancer.updateNodeHealth(home, 'healthy')
    for (let at = 0; at < 4; at += 1)
      expect((await ask(port, { headers: { cookie: moved } })).body).toBe(second.body)
  })

  it('uses another node while the node of the client is full, without changing the cookie', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const slow = await serve(async (_request, response) => {
      await held
      response.end('slow')
    })
    const other = await serve((_request, response) => response.end('other'))
    const nodes = [{ host: '127.0.0.1', port: slow.port, maxConnections: 1 }, other.address]
    const { port, proxy } = await openProxy({ nodes, strategy: 'round-robin', sticky: true })
    const first = ask(port)
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(1)
    release()
    const cookie = pairOf(cookieOf(await first))
    const blocked = new Promise<void>((resolve) => {
      release = resolve
    })
    slow.server.removeAllListeners('request')
    slow.server.on('request', async (_request, response) => {
      await blocked
      response.end('slow')
    })
    const busy = ask(port, { headers: { cookie } })
    await expect.poll(() => proxy.balancer.getClusterStats().activeConnections, SOON).toBe(1)
    const elsewhere = await ask(port, { headers: { cookie } })
    expect(elsewhere.body).toBe('other')
    expect(elsewhere.headers['set-cookie']).toBeUndefined()
    release()
    expect((await busy).body).toBe('slow')
  })

  it.each([
    '',
    'sluice_node=',
    'sluice_node=0123456789abcdef',
    'sluice_node=../../etc',
    'sluice_node',
    '=;=;',
  ])('assigns a new node for the cookie %o', async (cookie) => {
    const { port } = await openProxy({
      nodes: await threeNodes(),
      sticky: { cookie: 'sluice_node', maxAgeSeconds: 60 },
    })
    const answer = await ask(port, { headers: cookie === '' ? {} : { cookie } })
    expect(answer.status).toBe(200)
    expect(cookieOf(answer)).toContain('; Max-Age=60')
  })

  it('does not hedge requests of a client that has a node', async () => {
    let ms = 0
    const slow = await serve((_request, response) => setTimeout(() => response.end('slow'), ms))
    const options = { strategy: 'round-robin', sticky: true, hedge: { after: 100 } } as const
    const { port, proxy } = await openProxy({ nodes: [slow.address, ...(await threeNodes())], ...options })
    const first = await ask(port)
    expect(first.body).toBe('slow')
    const { hedges } = proxy.getStats()
    ms = 250
    const answer = await ask(port, { headers: { cookie: pairOf(cookieOf(first)) } })
    expect(answer.body).toBe('slow')
    expect(proxy.getStats().hedges).toBe(hedges)
  })

  it('sends WebSockets to the same node', async () => {
    const nodes = await Promise.all(
      ['a', 'b'].map(async (name) => {
        const node = await serve((_request, response) => response.end(name))
        node.server.on('upgrade', (_request, socket) => {
          socket.end(
            `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nx-name: ${name}\r\n\r\n`,
          )
        })
        return node.address
      }),
    )
    const { port } = await openProxy({ nodes, strategy: 'round-robin', sticky: true })
    const first = await ask(port)
    const handshake = `GET / HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\ncookie: ${pairOf(cookieOf(first))}\r\n\r\n`
    for (let at = 0; at < 4; at += 1) expect(await askRaw(port, handshake)).toContain(`x-name: ${first.body}`)
  })

  it.each([
    { cookie: 'a b' },
    { cookie: '' },
    { maxAgeSeconds: 0 },
    { sameSite: 'Lax' },
    { secure: 1 },
    { path: '/' },
  ])('refuses %o', async (sticky) => {
    await expect(openProxy({ nodes: ['a:1'], sticky: sticky as never })).rejects.toThrow(
      `"sticky.${Object.keys(sticky)[0]}"`,
    )
  })
})
