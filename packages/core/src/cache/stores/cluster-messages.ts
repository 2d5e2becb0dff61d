import type { ValueTypes } from '../../pipeline/operation.ts'
import { deserialize, serialize } from '../../shared/late-modules.ts'
import { unwrapValue, wrapValue } from '../../shared/wrapped-value.ts'
import { type CacheStore, EVERY_TAG } from './cache-store.ts'

/** Distinguishes Sluice's messages between processes from those of the app. */
const MARK = 'sluice:cache-store'

/**
 * The calls that a worker makes to the primary process. `hello` compares the times that both were configured
 * with.
 */
export type ClusterMethod =
  | 'hello'
  | 'watch'
  | 'unwatch'
  | Exclude<keyof CacheStore, 'leaseMs' | 'maxTtlMs' | 'watch' | 'close'>

export interface ClusterCall {
  readonly id: number
  readonly method: ClusterMethod
  readonly args: readonly unknown[]
}

export interface ClusterReply {
  readonly id: number
  readonly value?: unknown
  /** The reason for the failure. */
  readonly error?: string
}

/**
 * A message, in either direction. It is JSON, so that it can be sent with any serialization of the processes.
 */
export interface ClusterMessage {
  readonly mark: typeof MARK
  readonly namespace: string
  readonly calls?: readonly ClusterCall[]
  readonly replies?: readonly ClusterReply[]
  /** Tags that were invalidated; `[EVERY_TAG]` for everything. */
  readonly told?: readonly string[]
}

export const TOLD_EVERYTHING: readonly string[] = [EVERY_TAG]

export function clusterMessage(
  namespace: string,
  content: Omit<ClusterMessage, 'mark' | 'namespace'>,
): ClusterMessage {
  return { mark: MARK, namespace, ...content }
}

/** @returns `undefined` if the message belongs to the app, or to another store. */
export function readClusterMessage(message: unknown, namespace: string): ClusterMessage | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { mark, namespace: to } = message as Partial<ClusterMessage>
  return mark === MARK && to === namespace ? (message as ClusterMessage) : undefined
}

/**
 * @returns A string that survives any serialization of messages; `undefined` if the value has parts that
 * cannot be restored exactly.
 */
export function valueToText(value: unknown): string | undefined {
  const wrapped = wrapValue(value)
  return wrapped && (wrapped.isPlain ? '1' : '0') + serialize(wrapped.value).toString('base64')
}

/** @throws Error if the string is not a value, or contains a decimal and `types` has no class for it. */
export function valueFromText(text: string, types: ValueTypes = {}): unknown {
  return unwrapValue(
    { value: deserialize(Buffer.from(text.slice(1), 'base64')), isPlain: text.startsWith('1') },
    types,
    text.length,
  )
}
