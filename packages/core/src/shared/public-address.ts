import type { LookupAddress, LookupOptions } from 'node:dns'
import type { BlockList } from 'node:net'
import { SluiceError } from './errors.ts'

/** A webhook leads to an address of the own network. */
export class PrivateAddressError extends SluiceError {
  constructor(readonly host: string) {
    super(
      'SLUICE_PRIVATE_ADDRESS',
      `Webhook refused: "${host}" is a private, link-local or reserved address. Expected a public address. Set \`allowPrivateAddresses\` if the receiver is in your own network.`,
    )
  }
}

/**
 * Not reachable from the internet, or ways to address such hosts:
 * https://www.iana.org/assignments/iana-ipv4-special-registry, iana-ipv6-special-registry.
 */
const RESERVED = `
  0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 192.168.0.0/16
  198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
  ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`
  .trim()
  .split(/\s+/)

type Callback = (error: Error | null, address: string | LookupAddress[], family?: number) => void
export type AddressLookup = (host: string, options: LookupOptions, callback: Callback) => void

/** Whether addresses are reserved, and a DNS lookup that returns none of those. */
export interface AddressGuard {
  isReserved(address: string): boolean
  readonly lookup: AddressLookup
}

let guard: Promise<AddressGuard> | undefined

/** Loads what it needs with the first webhook. */
export function addressGuard(): Promise<AddressGuard> {
  guard ??= createGuard()
  return guard
}

async function createGuard(): Promise<AddressGuard> {
  const [{ BlockList: List, isIPv4, isIPv6 }, { lookup }] = await Promise.all([
    import('node:net'),
    import('node:dns'),
  ])
  const reserved: BlockList = new List()
  for (const range of RESERVED) {
    const [address = '', bits = '0'] = range.split('/')
    reserved.addSubnet(address, Number(bits), isIPv4(address) ? 'ipv4' : 'ipv6')
  }
  const isReserved = (address: string) =>
    isIPv4(address) ? reserved.check(address, 'ipv4') : isIPv6(address) && reserved.check(address, 'ipv6')
  return { isReserved, lookup: guarded(lookup as AddressLookup, isReserved) }
}

/**
 * A lookup whose result the socket connects to: a name that resolves to another address the next time gains
 * nothing. One reserved address refuses the name.
 */
export function guarded(lookup: AddressLookup, isReserved: (address: string) => boolean): AddressLookup {
  return (host, options, callback) =>
    lookup(host, { ...options, all: true }, (error, found) => {
      const addresses = Array.isArray(found) ? found : []
      const [first] = addresses
      if (error !== null || first === undefined) callback(error ?? new Error(`No address of ${host}`), [])
      else if (addresses.some(({ address }) => isReserved(address)))
        callback(new PrivateAddressError(host), [])
      else if (options.all === true) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
}
