import type { ValueTypes } from '../../pipeline/operation.ts'
import { deserialize, serialize } from '../../shared/late-modules.ts'
import { unwrapValue, wrapValue } from '../../shared/wrapped-value.ts'
import { type CacheStore, EVERY_TAG } from './cache-store.ts'

/** What tells Sluice's messages between processes from the app's own. */
const MARK = 'sluice:cache-store'

/** The calls that a worker makes of the primary; `hello` compares the times that both were given. */
export type ClusterMethod = 'hello' | 'watch' | 'unwatch' | Exclude<keyof CacheStore, 'leaseMs' | 'maxTtlMs' | 'watch' | 'close'>

export interface ClusterCall {
  readonly id: number
  readonly method: ClusterMethod
  readonly args: readonly unknown[]
}

export interface ClusterReply {
  readonly id: number
  readonly value?: unknown
  /** Why it was not done. */
  readonly error?: string
}

/** One message, either way. Whatever is JSON can be sent, whichever way the processes serialize. */
export interface ClusterMessage {
  readonly mark: typeof MARK
  readonly namespace: string
  readonly calls?: readonly ClusterCall[]
  readonly replies?: readonly ClusterReply[]
  /** Tags that were invalidated; `[EVERY_TAG]` for everything. */
  readonly told?: readonly string[]
}

export const TOLD_EVERYTHING: readonly string[] = [EVERY_TAG]

export function clusterMessage(namespace: string, content: Omit<ClusterMessage, 'mark' | 'namespace'>): ClusterMessage {
  return { mark: MARK, namespace, ...content }
}

/** @returns `undefined` when the message is the app's, or another store's. */
export function readClusterMessage(message: unknown, namespace: string): ClusterMessage | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const { mark, namespace: to } = message as Partial<ClusterMessage>
  return mark === MARK && to === namespace ? (message as ClusterMessage) : undefined
}

/** @returns A text that any way to serialize messages lets through; `undefined` when the value has parts that would not survive. */
export function valueToText(value: unknown): string | undefined {
  const wrapped = wrapValue(value)
  return wrapped && (wrapped.isPlain ? '1' : '0') + serialize(wrapped.value).toString('base64')
}

/** @throws Error when the text is no value, or holds a decimal and `types` has no class for it. */
export function valueFromText(text: string, types?: ValueTypes): unknown {
  return unwrapValue({ value: deserialize(Buffer.from(text.slice(1), 'base64')), isPlain: text.startsWith('1') }, types)
}
