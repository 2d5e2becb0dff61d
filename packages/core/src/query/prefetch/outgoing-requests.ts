import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/**
 * The channels on which Node's HTTP client and undici (and therefore `fetch`) report the start of a request.
 */
const CHANNELS = ['undici:request:create', 'http.client.request.start'] as const

/**
 * Calls `callback`, in the asynchronous context of the caller, whenever this process sends an HTTP request.
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
