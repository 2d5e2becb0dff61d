import { InvalidOptionError, LoadBalancingEngine } from '@sluice/core'
import { checkOptions, checkSecrets, type OptionRule, option, secretsRule } from '@sluice/core/siblings'
import {
  checkRateLimit,
  checkShed,
  type RateLimitOptions,
  type ShedOptions,
} from './admission/admission-options.ts'
import type { Forwarding } from './headers/forwarding.ts'
import type { HedgeOptions } from './hedging.ts'
import type {
  NodeAddress,
  NodeTlsOptions,
  ProbeOptions,
  ProxyOptions,
  RetryOptions,
} from './proxy-options.ts'
import { isCookieName, type StickyOptions } from './sticky-cookie.ts'

export interface ResolvedProxyOptions {
  readonly balancer: LoadBalancingEngine
  readonly ownsBalancer: boolean
  readonly probe: Required<ProbeOptions> | undefined
  readonly retry: Required<RetryOptions>
  /** `undefined`: never. */
  readonly hangTimeoutMs: number | undefined
  readonly connectTimeoutMs: number
  readonly headersTimeoutMs: number
  readonly bodyTimeoutMs: number
  readonly sendTimeoutMs: number
  readonly maxBufferedBytes: number
  readonly maxBodyBytes: number
  readonly forwarding: Forwarding
  /** `undefined`: never. */
  readonly hedge: Required<HedgeOptions> | undefined
  readonly sticky: StickyOptions | undefined
  /** In lowercase. */
  readonly upgrades: ReadonlySet<string>
  /** The first secret signs. Empty: requests are not signed. */
  readonly nodeSecrets: readonly string[]
  readonly rateLimit: RateLimitOptions | undefined
  readonly maxConcurrentPerClient: number
  readonly maxConnectionsPerClient: number
  readonly shed: Required<ShedOptions> | undefined
  readonly tls: NodeTlsOptions | undefined
}

type Rules = Readonly<Record<string, OptionRule>>

const rule = (expected: string, accepts: OptionRule['accepts']): OptionRule => ({ expected, accepts })

function isReadable(node: unknown): boolean {
  return option.object.accepts(node) && Object.values(node as object) !== undefined
}

const rules: Rules = {
  balancer: rule('a LoadBalancingEngine', (value) => value instanceof LoadBalancingEngine),
  nodes: rule(
    'an array of addresses and NodeAddress objects',
    (value) => Array.isArray(value) && value.every((node) => option.string.accepts(node) || isReadable(node)),
  ),
  strategy: rule('a strategy', (value) => typeof value === 'string'),
  region: option.object,
  probe: option.object,
  retry: option.object,
  hangTimeoutMs: option.either(option.false, option.number(50)),
  connectTimeoutMs: option.number(1),
  headersTimeoutMs: option.number(1),
  bodyTimeoutMs: option.number(1),
  sendTimeoutMs: option.number(1),
  maxBufferedBytes: option.integer(0),
  maxBodyBytes: option.integer(0),
  trustedHops: option.integer(0, 10),
  forwarded: option.oneOf('x-forwarded', 'forwarded'),
  hedge: option.either(option.boolean, option.object),
  sticky: option.either(option.boolean, option.object),
  upgrades: rule(
    'an array of protocol names',
    (value) => option.strings.accepts(value) && (value as readonly string[]).every(isCookieName),
  ),
  nodeAuth: secretsRule,
  rateLimit: option.object,
  maxConcurrentPerClient: option.integer(1),
  maxConnectionsPerClient: option.integer(1),
  shed: option.either(option.boolean, option.object),
  tls: option.object,
}
const probeRules: Rules = {
  path: rule(
    'a path that begins with "/"',
    (value) => typeof value === 'string' && /^\/[\x21-\x7e]*$/.test(value),
  ),
  intervalMs: option.number(10),
  timeoutMs: option.number(1),
  up: option.integer(1),
  down: option.integer(1),
}
const retryRules: Rules = {
  maxAttempts: option.integer(1, 10),
  budget: option.number(0, 1),
  burst: option.integer(0),
}
const hedgeRules: Rules = {
  after: option.either(option.oneOf('p50', 'p95', 'p99'), option.number(1)),
  budget: option.number(0, 1),
  burst: option.integer(1),
}
const stickyRules: Rules = {
  cookie: rule('a cookie name', isCookieName),
  secret: secretsRule,
  maxAgeSeconds: option.number(1),
  secure: option.boolean,
  sameSite: option.oneOf('lax', 'strict', 'none'),
}
const isPem = (value: unknown): boolean => typeof value === 'string' || Buffer.isBuffer(value)
const pem = rule(
  'PEM, as a string or bytes, or an array of them',
  (value) => isPem(value) || (Array.isArray(value) && value.every(isPem)),
)
const tlsRules: Rules = {
  ca: pem,
  cert: pem,
  key: pem,
  servername: rule('a host name', (value) => typeof value === 'string' && value !== ''),
}

/**
 * @throws InvalidOptionError that names the first option that is unknown, of the wrong type, or out of
 * bounds; errors of registering nodes.
 */
export function resolveProxyOptions(options: ProxyOptions): ResolvedProxyOptions {
  checkOptions(options, rules, '')
  const { balancer, nodes, probe, retry = {}, tls } = options
  if (probe !== undefined) {
    checkOptions(probe, probeRules, 'probe.')
    if (probe.path === undefined)
      throw new InvalidOptionError('probe.path', 'a path that begins with "/"', undefined)
  }
  checkOptions(retry, retryRules, 'retry.')
  if (tls !== undefined) checkOptions(tls, tlsRules, 'tls.')
  const hedge = switched(options.hedge)
  const sticky = switched(options.sticky)
  const shed = switched(options.shed)
  if (hedge !== undefined) checkOptions(hedge, hedgeRules, 'hedge.')
  if (sticky !== undefined) checkOptions(sticky, stickyRules, 'sticky.')
  if (shed !== undefined) checkShed(shed)
  if (options.rateLimit !== undefined) checkRateLimit(options.rateLimit)
  if ((balancer === undefined) === (nodes === undefined)) {
    throw new InvalidOptionError(
      'nodes',
      'either nodes or a balancer',
      nodes === undefined ? undefined : 'both',
    )
  }
  for (const name of ['strategy', 'region'] as const) {
    if (balancer !== undefined && options[name] !== undefined)
      throw new InvalidOptionError(
        name,
        `no ${name} if a balancer is passed, which has its own`,
        options[name],
      )
  }
  return {
    balancer: balancer ?? balancerOf(nodes ?? [], options),
    ownsBalancer: balancer === undefined,
    probe: probe && {
      path: probe.path,
      intervalMs: probe.intervalMs ?? 1_000,
      timeoutMs: probe.timeoutMs ?? 500,
      up: probe.up ?? 2,
      down: probe.down ?? 2,
    },
    retry: { maxAttempts: retry.maxAttempts ?? 3, budget: retry.budget ?? 0.2, burst: retry.burst ?? 256 },
    hangTimeoutMs: options.hangTimeoutMs === false ? undefined : (options.hangTimeoutMs ?? 1_000),
    connectTimeoutMs: options.connectTimeoutMs ?? 1_000,
    headersTimeoutMs: options.headersTimeoutMs ?? 15_000,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 60_000,
    sendTimeoutMs: options.sendTimeoutMs ?? 60_000,
    maxBufferedBytes: options.maxBufferedBytes ?? 65_536,
    maxBodyBytes: options.maxBodyBytes ?? Number.POSITIVE_INFINITY,
    forwarding: { style: options.forwarded ?? 'x-forwarded', trustedHops: options.trustedHops ?? 0 },
    hedge: hedge && { after: hedge.after ?? 'p95', budget: hedge.budget ?? 0.1, burst: hedge.burst ?? 10 },
    sticky,
    upgrades: new Set((options.upgrades ?? ['websocket']).map((name) => name.toLowerCase())),
    nodeSecrets: options.nodeAuth === undefined ? [] : checkSecrets('nodeAuth', options.nodeAuth),
    rateLimit: options.rateLimit,
    maxConcurrentPerClient: options.maxConcurrentPerClient ?? Number.POSITIVE_INFINITY,
    maxConnectionsPerClient: options.maxConnectionsPerClient ?? Number.POSITIVE_INFINITY,
    shed: shed && { maxEventLoopDelayMs: shed.maxEventLoopDelayMs ?? 100 },
    tls,
  }
}

/** Returns the options of a feature that can also be enabled with `true`. */
function switched<T extends object>(input: boolean | T | undefined): Partial<T> | undefined {
  if (input === undefined || input === false) return undefined
  return input === true ? {} : input
}

function balancerOf(
  nodes: readonly (string | NodeAddress)[],
  { strategy = 'peak-ewma', region }: ProxyOptions,
): LoadBalancingEngine {
  const balancer = new LoadBalancingEngine({ strategy, ...(region && { region }) })
  for (const node of nodes) {
    const { host, port, ...options } = typeof node === 'string' ? addressOf(node) : node
    balancer.registerNode(host, port, options)
  }
  return balancer
}

function addressOf(text: string): NodeAddress {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([^:/\s[\]]+)):(\d{1,5})$/.exec(text)
  if (match === null)
    throw new InvalidOptionError('nodes', 'addresses such as "10.0.0.1:8080", without a scheme', text)
  return { host: match[1] ?? match[2] ?? '', port: Number(match[3]) }
}
