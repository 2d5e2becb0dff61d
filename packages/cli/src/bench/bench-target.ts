import { lookup } from 'node:dns/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { UsageError } from '../command.ts'
import { ConnectError, shownAddress } from '../connect/open-connection.ts'

/** An app that receives the requests. */
export interface BenchTarget {
  readonly url: URL
  /** URL for display, without the password. */
  readonly address: string
  readonly agent: HttpAgent | HttpsAgent
  readonly headers: Readonly<Record<string, string>>
}

export interface BenchTargetOptions {
  readonly option: string
  readonly connections: number
  readonly allowRemote: boolean
  readonly headers: Headers
}

/** This machine and private networks. Source: RFC 1918, RFC 3927, RFC 4193, RFC 6598. */
const NEAR = new BlockList()
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  NEAR.addSubnet(network, bits, 'ipv4')
NEAR.addAddress('::1', 'ipv6')
NEAR.addSubnet('fc00::', 7, 'ipv6')
NEAR.addSubnet('fe80::', 10, 'ipv6')

/** Whether an IP address belongs to this machine or a private network. */
export function isNear(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && NEAR.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Resolves the host of an app. The requests only go to the resolved and checked IP addresses.
 *
 * @throws UsageError for an invalid URL or a remote host; ConnectError if the host name cannot be resolved.
 */
export async function benchTarget(
  value: string,
  { option, connections, allowRemote, headers }: BenchTargetOptions,
): Promise<BenchTarget> {
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(
      `${option}: expected the URL of the app, such as http://127.0.0.1:3000, got ${shownAddress(value)}`,
    )
  const address = shownAddress(url.origin).replace(/\/$/, '')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const found = await lookup(host, { all: true }).catch((error: unknown) => {
    throw new ConnectError(address, error)
  })
  const far = found.find((one) => !isNear(one.address))
  if (far !== undefined && !allowRemote)
    throw new UsageError(
      `${option}: ${host}${host === far.address ? '' : ` (${far.address})`} is neither this machine nor a private network. The load can harm it. If you own this host, add --allow-remote`,
    )
  const pinned: LookupFunction = (_name, options, done) => {
    const [first] = found
    if (options.all === true) done(null, found)
    else done(null, first?.address ?? '', first?.family)
  }
  const Agent = url.protocol === 'https:' ? HttpsAgent : HttpAgent
  const all = Object.fromEntries(headers)
  if (url.username !== '' && all.authorization === undefined)
    all.authorization = `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`
  return {
    url,
    address,
    agent: new Agent({ keepAlive: true, maxSockets: connections, lookup: pinned }),
    headers: all,
  }
}

export interface BenchRoute {
  /** `GET /cities`. */
  readonly name: string
  readonly method: 'GET' | 'HEAD'
  readonly path: string
}

/**
 * Parses `GET /cities`, or `/cities`.
 *
 * @throws UsageError for an invalid request, and for methods other than GET and HEAD, because each request is
 *   sent
 * thousands of times.
 */
export function benchRoute(value: string): BenchRoute {
  const [, method = 'GET', path] = /^(?:([A-Za-z]+)\s+)?(\/\S*)$/.exec(value.trim()) ?? []
  const verb = method.toUpperCase()
  if (path === undefined)
    throw new UsageError(`--routes: expected a request such as 'GET /cities', got "${value}"`)
  if (verb !== 'GET' && verb !== 'HEAD')
    throw new UsageError(
      `--routes: expected GET or HEAD, got "${value}": each request is sent thousands of times`,
    )
  return { name: `${verb} ${path}`, method: verb, path }
}
