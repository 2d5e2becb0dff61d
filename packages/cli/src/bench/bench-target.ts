import { lookup } from 'node:dns/promises'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { UsageError } from '../command.ts'
import { ConnectError, shownAddress } from '../connect/own-connection.ts'

/** An app that requests are sent to. */
export interface BenchTarget {
  readonly url: URL
  /** For people, without a password. */
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

/** This machine, and networks of one's own. Source: RFC 1918, RFC 3927, RFC 4193, RFC 6598. */
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

/** Whether an address is of this machine or of a private network. */
export function isNear(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && NEAR.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Looks an app up. Load is sent to the addresses that were looked at, and to no others.
 *
 * @throws UsageError for what is no such URL, and for a host far away; ConnectError for a name that nobody knows.
 */
export async function benchTarget(given: string, { option, connections, allowRemote, headers }: BenchTargetOptions): Promise<BenchTarget> {
  const url = URL.canParse(given) ? new URL(given) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new UsageError(`${option}: expected the app's address, such as http://127.0.0.1:3000, got ${shownAddress(given)}`)
  const address = shownAddress(url.origin).replace(/\/$/, '')
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const found = await lookup(host, { all: true }).catch((error: unknown) => {
    throw new ConnectError(address, error)
  })
  const far = found.find((one) => !isNear(one.address))
  if (far !== undefined && !allowRemote)
    throw new UsageError(
      `${option}: ${host}${host === far.address ? '' : ` (${far.address})`} is neither this machine nor a private network. Load may do harm there: --allow-remote, if it is yours`,
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
  return { url, address, agent: new Agent({ keepAlive: true, maxSockets: connections, lookup: pinned }), headers: all }
}

export interface BenchRoute {
  /** `GET /cities`. */
  readonly name: string
  readonly method: 'GET' | 'HEAD'
  readonly path: string
}

/**
 * `GET /cities`, or `/cities`.
 *
 * @throws UsageError for what is none, and for a request that changes something: it would be sent thousands of times.
 */
export function benchRoute(given: string): BenchRoute {
  const [, method = 'GET', path] = /^(?:([A-Za-z]+)\s+)?(\/\S*)$/.exec(given.trim()) ?? []
  const verb = method.toUpperCase()
  if (path === undefined) throw new UsageError(`--routes: expected a request such as 'GET /cities', got "${given}"`)
  if (verb !== 'GET' && verb !== 'HEAD')
    throw new UsageError(`--routes: expected GET or HEAD, got "${given}": each request is sent thousands of times`)
  return { name: `${verb} ${path}`, method: verb, path }
}
