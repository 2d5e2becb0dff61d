import type { ServerNode } from '@sluice/core'
import { setBusyAwareTimeout, setLongTimeout } from '@sluice/core/siblings'
import { Agent, request } from 'undici'
import type { ProxyCore } from './proxy-core.ts'
import type { ProbeOptions } from './proxy-options.ts'
import { connectOptions, originOf } from './upstream.ts'

/** Jitter of the probe interval, so that many proxies do not probe a node at the same time. */
const JITTER = 0.1
/** Round trips of a probe: to connect, to set up TLS, and to request. */
const ROUND_TRIPS = { http: 2, https: 3 }

interface Watched {
  good: number
  bad: number
  timer: ReturnType<typeof setTimeout> | undefined
}

/** Probes nodes and reports their health to the balancer. Nodes in maintenance stay in maintenance. */
export class Prober {
  readonly #watched = new Map<ServerNode, Watched>()
  readonly #agent: Agent
  readonly #stops: (() => void)[]
  readonly #ejected = new Set<ServerNode>()
  #isClosed = false

  constructor(
    private readonly core: ProxyCore,
    private readonly options: Required<ProbeOptions>,
  ) {
    const { balancer, tls } = core.options
    this.#agent = new Agent({ connect: connectOptions(options.timeoutMs, tls) })
    this.#stops = [
      balancer.on('nodeAdded', ({ node }) => this.#watch(node)),
      balancer.on('nodeRemoved', ({ node }) => this.#unwatch(node)),
      balancer.on('ejected', ({ node }) => {
        this.#ejected.add(node)
        const watched = this.#watched.get(node)
        if (watched !== undefined) watched.good = 0
      }),
      balancer.on('reinstated', ({ node }) => this.#ejected.delete(node)),
    ]
    for (const node of balancer.nodes) this.#watch(node)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const stop of this.#stops) stop()
    for (const node of [...this.#watched.keys()]) this.#unwatch(node)
    await this.#agent.destroy()
  }

  #watch(node: ServerNode): void {
    const watched: Watched = { good: 0, bad: 0, timer: undefined }
    this.#watched.set(node, watched)
    this.#schedule(node, watched)
  }

  #unwatch(node: ServerNode): void {
    clearTimeout(this.#watched.get(node)?.timer)
    this.#watched.delete(node)
    this.#ejected.delete(node)
  }

  #schedule(node: ServerNode, watched: Watched): void {
    const wait = this.options.intervalMs * (1 + JITTER * (2 * Math.random() - 1))
    watched.timer = setLongTimeout(async () => {
      const isGood = await this.#probe(node)
      if (this.#isClosed || this.#watched.get(node) !== watched) return
      this.#record(node, watched, isGood)
      this.#schedule(node, watched)
    }, wait)
    watched.timer.unref()
  }

  async #probe(node: ServerNode): Promise<boolean> {
    const { path, timeoutMs } = this.options
    const late = new AbortController()
    const answered = setBusyAwareTimeout(timeoutMs, () => late.abort())
    try {
      const headers: string[] = []
      const sentAt = this.core.now()
      this.core.sign(headers, 'GET', path, node.id)
      const { statusCode, body } = await request(`${originOf(node, this.core.options.tls)}${path}`, {
        headers,
        dispatcher: this.#agent,
        headersTimeout: 0,
        bodyTimeout: 0,
        signal: late.signal,
        // Each probe uses a new connection: the probe also tests whether the node accepts connections.
        reset: true,
      })
      const rttMs =
        (this.core.now() - sentAt) /
        (this.core.options.tls === undefined ? ROUND_TRIPS.http : ROUND_TRIPS.https)
      await body.dump()
      const isGood = statusCode >= 200 && statusCode < 300
      if (isGood && this.#watched.has(node)) this.core.options.balancer.recordProbe(node.id, rttMs)
      return isGood
    } catch {
      return false
    } finally {
      answered()
    }
  }

  #record(node: ServerNode, watched: Watched, isGood: boolean): void {
    watched.good = isGood ? watched.good + 1 : 0
    watched.bad = isGood ? 0 : watched.bad + 1
    const { up, down } = this.options
    const { balancer } = this.core.options
    if (isGood && watched.good >= up) {
      if (node.status === 'unhealthy') balancer.updateNodeHealth(node.id, 'healthy')
      if (this.#ejected.has(node)) balancer.reinstate(node.id)
    }
    if (!isGood && watched.bad >= down && (node.status === 'healthy' || node.status === 'degraded'))
      balancer.updateNodeHealth(node.id, 'unhealthy')
  }
}
