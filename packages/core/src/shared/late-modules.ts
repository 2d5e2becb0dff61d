import type { Cluster } from 'node:cluster'
import type { BinaryLike, Hash, Hmac } from 'node:crypto'
import type { SocketAddress, SocketAddressInitOptions } from 'node:net'
import { MissingPackageError } from './errors.ts'
import { factsOf } from './thrown.ts'

/**
 * Modules of Node that are loaded by the first call of one of their functions. Hashes, child processes, the
 * network, the serialization of V8 and compression take more than 10% of the
 * time to import the core, and an app needs them later, if at all.
 */
function late<T extends object>(load: () => T): () => T {
  let loaded: T | undefined
  return () => {
    loaded ??= load()
    return loaded
  }
}

const crypto = late(() => process.getBuiltinModule('node:crypto'))
const net = late(() => process.getBuiltinModule('node:net'))
const v8 = late(() => process.getBuiltinModule('node:v8'))
const zlib = late(() => process.getBuiltinModule('node:zlib'))

// Its types describe it as an ES module, of which this is the default export.
export const cluster: () => Cluster = late(
  () => process.getBuiltinModule('node:cluster') as unknown as Cluster,
)

export const createHash = (algorithm: string): Hash => crypto().createHash(algorithm)
export const createHmac = (algorithm: string, key: BinaryLike): Hmac => crypto().createHmac(algorithm, key)
export const hash = (algorithm: string, text: string, encoding: 'hex' | 'base64url' = 'hex'): string =>
  crypto().hash(algorithm, text, encoding)
export const randomBytes = (size: number): Buffer<ArrayBuffer> => crypto().randomBytes(size)
export const randomUUID = (): string => crypto().randomUUID()
export const timingSafeEqual = (a: Uint8Array, b: Uint8Array): boolean => crypto().timingSafeEqual(a, b)

export const isIP = (text: string): number => net().isIP(text)
export const isIPv4 = (text: string): boolean => net().isIPv4(text)
export const isIPv6 = (text: string): boolean => net().isIPv6(text)
export const socketAddress = (options: SocketAddressInitOptions): SocketAddress =>
  new (net().SocketAddress)(options)

export const serialize = (value: unknown): Buffer => v8().serialize(value)
export const isBuildingSnapshot = (): boolean => v8().startupSnapshot.isBuildingSnapshot()
export const deserialize = (bytes: Uint8Array): unknown => v8().deserialize(bytes)

export const crc32 = (bytes: Uint8Array): number => zlib().crc32(bytes)

/**
 * Imports an optional package.
 *
 * @param needing - The feature that requires it, for the message.
 * @throws MissingPackageError if it is not installed; errors of the package itself.
 */
export async function loadPackage<T>(needing: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code, message } = factsOf(error)
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND'
    if (!isMissing || !message.includes(`'${name}'`)) throw error
    throw new MissingPackageError(needing, name, { cause: error })
  }
}
