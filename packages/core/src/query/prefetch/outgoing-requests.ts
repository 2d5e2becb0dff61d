import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/** Where Node's HTTP client and undici (and so `fetch`) tell that a request begins. */
const CHANNELS = ['undici:request:create', 'http.client.request.start'] as const

/**
 * Calls back, in the caller's asynchronous context, whenever this process sends an HTTP request.
 *
 * @returns The function that stops it.
 */
export function onOutgoingRequest(callback: () => void): () => void {
  const listener = () => callback()
  for (const channel of CHANNELS) subscribe(channel, listener)
  return () => {
    for (const channel of CHANNELS) unsubscribe(channel, listener)
  }
}
