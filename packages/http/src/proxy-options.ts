import { type BalancingStrategy, checkOptions, InvalidOptionError, LoadBalancingEngine, type OptionRule, option } from '@sluice/core'

/** A node to send requests to. */
export interface NodeAddress {
  readonly host: string
  readonly port: number
  /** @defaultValue 1 */
  readonly weight?: number
  /** @defaultValue 1000 */
  readonly maxConnections?: number
}

export interface ProbeOptions {
  /** What is asked for: `/health`. A node is good when it answers with a status from 200 to 299. */
  readonly path: string
  /**
   * Milliseconds between two probes of a node; a tenth more or less, by chance. Minimum: `10`.
   * @defaultValue 1000
   */
  readonly intervalMs?: number
  /**
   * Milliseconds that a node has to answer. Minimum: `1`.
   * @defaultValue 500
   */
  readonly timeoutMs?: number
  /**
   * Good probes in a row after which a node is up. Minimum: `1`.
   * @defaultValue 2
   */
  readonly up?: number
  /**
   * Bad probes in a row after which a node is down. Minimum: `1`.
   * @defaultValue 2
   */
  readonly down?: number
}

export interface RetryOptions {
  /**
   * Nodes that one request is sent to, at most. From `1` to `10`.
   * @defaultValue 3
   */
  readonly maxAttempts?: number
  /**
   * Retries for each request, on average: `0.2` is one for five. From `0` to `1`.
   * @defaultValue 0.2
   */
  readonly budget?: number
  /**
   * Retries that may be made at once, however few requests there were: all that was under way on a node that dies fails together. Minimum: `0`.
   * @defaultValue 256
   */
  readonly burst?: number
}

/** How nodes are spoken to over TLS. */
export interface NodeTlsOptions {
  /** The certificates that those of nodes must come from; left out: those that Node knows. PEM. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[]
  /** The proxy's own certificate and key, for nodes that ask for one. PEM. */
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** The name that certificates of nodes must have; left out: the node's host. */
  readonly servername?: string
}

export interface ProxyOptions {
  /** Who chooses nodes. Give this, or `nodes`. */
  readonly balancer?: LoadBalancingEngine
  /** The nodes, for a balancer of the proxy's own: `10.0.0.1:8080`, or an object. */
  readonly nodes?: readonly (string | NodeAddress)[]
  /**
   * How the proxy's own balancer chooses.
   * @defaultValue 'peak-ewma'
   */
  readonly strategy?: BalancingStrategy
  /**
   * Asks nodes by itself whether they are well.
   * @defaultValue none: nodes are judged by their answers alone
   */
  readonly probe?: ProbeOptions
  /**
   * When a request is sent to another node.
   * @defaultValue {}
   */
  readonly retry?: RetryOptions
  /**
   * Milliseconds without any answer after which a node with two requests or more is taken for hung, at least; ten times its usual time, if that is
   * more. Its requests are sent to others where that is safe. `false`: never. Minimum: `50`.
   * @defaultValue 1000
   */
  readonly stallMs?: number | false
  /**
   * Milliseconds for the connection to a node. Minimum: `1`.
   * @defaultValue 1000
   */
  readonly connectTimeoutMs?: number
  /**
   * Milliseconds until an answer begins. Minimum: `1`.
   * @defaultValue 15000
   */
  readonly headersTimeoutMs?: number
  /**
   * Milliseconds without a byte of an answer that has begun. Minimum: `1`.
   * @defaultValue 60000
   */
  readonly bodyTimeoutMs?: number
  /**
   * Bytes of a request's body that are kept, so that it can be sent again; of idempotent requests only. Minimum: `0`.
   * @defaultValue 65536
   */
  readonly maxBufferedBytes?: number
  /**
   * Bytes that a request's body may have; larger ones are answered with 413. Minimum: `0`.
   * @defaultValue no limit
   */
  readonly maxBodyBytes?: number
  /**
   * Proxies in front of this one whose `X-Forwarded-*` are true. `0`: what clients send there is dropped. From `0` to `10`.
   * @defaultValue 0
   */
  readonly trustedHops?: number
  /**
   * Speaks TLS with nodes; `{}` with the certificates that Node knows.
   * @defaultValue none: plain HTTP
   */
  readonly tls?: NodeTlsOptions
}

export interface ResolvedProxyOptions {
  readonly balancer: LoadBalancingEngine
  readonly ownsBalancer: boolean
  readonly probe: Required<ProbeOptions> | undefined
  readonly retry: Required<RetryOptions>
  /** `undefined`: never. */
  readonly stallMs: number | undefined
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly maxBufferedBytes: number
  readonly maxBodyBytes: number
  readonly trustedHops: number
  readonly tls: NodeTlsOptions | undefined
}

type Rules = Readonly<Record<string, OptionRule>>

const rule = (expected: string, accepts: OptionRule['accepts']): OptionRule => ({ expected, accepts })

const rules: Rules = {
  balancer: rule('a LoadBalancingEngine', (value) => value instanceof LoadBalancingEngine),
  nodes: option.array,
  strategy: rule('a strategy', (value) => typeof value === 'string'),
  probe: option.object,
  retry: option.object,
  stallMs: option.either(option.false, option.number(50)),
  connectTimeoutMs: option.number(1),
  headersTimeoutMs: option.number(1),
  bodyTimeoutMs: option.number(1),
  maxBufferedBytes: option.integer(0),
  maxBodyBytes: option.integer(0),
  trustedHops: option.integer(0, 10),
  tls: option.object,
}
const probeRules: Rules = {
  path: rule('a path that begins with "/"', (value) => typeof value === 'string' && /^\/[\x21-\x7e]*$/.test(value)),
  intervalMs: option.number(10),
  timeoutMs: option.number(1),
  up: option.integer(1),
  down: option.integer(1),
}
const retryRules: Rules = { maxAttempts: option.integer(1, 10), budget: option.number(0, 1), burst: option.integer(0) }
const pem = rule('PEM, as a text or bytes', (value) => typeof value === 'string' || Buffer.isBuffer(value) || Array.isArray(value))
const tlsRules: Rules = {
  ca: pem,
  cert: pem,
  key: pem,
  servername: rule('a host name', (value) => typeof value === 'string' && value !== ''),
}

/** @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of bounds; what registering nodes throws. */
export function resolveProxyOptions(options: ProxyOptions): ResolvedProxyOptions {
  checkOptions(options, rules, '')
  const { balancer, nodes, probe, retry = {}, tls } = options
  if (probe !== undefined) {
    checkOptions(probe, probeRules, 'probe.')
    if (probe.path === undefined) throw new InvalidOptionError('probe.path', 'a path that begins with "/"', undefined)
  }
  checkOptions(retry, retryRules, 'retry.')
  if (tls !== undefined) checkOptions(tls, tlsRules, 'tls.')
  if ((balancer === undefined) === (nodes === undefined)) {
    throw new InvalidOptionError('nodes', 'either nodes or a balancer', nodes === undefined ? undefined : 'both')
  }
  if (balancer !== undefined && options.strategy !== undefined)
    throw new InvalidOptionError('strategy', 'none where there is a balancer, which has its own', options.strategy)
  return {
    balancer: balancer ?? balancerOf(nodes ?? [], options.strategy ?? 'peak-ewma'),
    ownsBalancer: balancer === undefined,
    probe: probe && {
      path: probe.path,
      intervalMs: probe.intervalMs ?? 1_000,
      timeoutMs: probe.timeoutMs ?? 500,
      up: probe.up ?? 2,
      down: probe.down ?? 2,
    },
    retry: { maxAttempts: retry.maxAttempts ?? 3, budget: retry.budget ?? 0.2, burst: retry.burst ?? 256 },
    stallMs: options.stallMs === false ? undefined : (options.stallMs ?? 1_000),
    connectTimeoutMs: options.connectTimeoutMs ?? 1_000,
    headersTimeoutMs: options.headersTimeoutMs ?? 15_000,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 60_000,
    maxBufferedBytes: options.maxBufferedBytes ?? 65_536,
    maxBodyBytes: options.maxBodyBytes ?? Number.POSITIVE_INFINITY,
    trustedHops: options.trustedHops ?? 0,
    tls,
  }
}

function balancerOf(nodes: readonly (string | NodeAddress)[], strategy: BalancingStrategy): LoadBalancingEngine {
  const balancer = new LoadBalancingEngine(strategy)
  for (const node of nodes) {
    const { host, port, weight, maxConnections } = typeof node === 'string' ? addressOf(node) : node
    balancer.registerNode(host, port, weight, maxConnections)
  }
  return balancer
}

function addressOf(text: string): NodeAddress {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([^:/\s[\]]+)):(\d{1,5})$/.exec(text)
  if (match === null) throw new InvalidOptionError('nodes', 'texts like "10.0.0.1:8080", without a scheme', text)
  return { host: match[1] ?? match[2] ?? '', port: Number(match[3]) }
}
