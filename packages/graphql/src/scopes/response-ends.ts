/** A response of Node's, as far as it is needed. */
interface Closing {
  once(event: 'close', listener: () => void): unknown
}

/** Tells of responses that are closed, with one listener each: one HTTP request may have many operations. */
export class ResponseEnds {
  readonly #waiting = new WeakMap<object, (() => void)[]>()

  /** @param context - Of an operation; one without a response never ends by it. */
  onClose(context: object, callback: () => void): void {
    const response = (context as { readonly reply?: { readonly raw?: Closing } }).reply?.raw
    if (typeof response?.once !== 'function') return
    const known = this.#waiting.get(response)
    if (known !== undefined) {
      known.push(callback)
      return
    }
    const callbacks = [callback]
    this.#waiting.set(response, callbacks)
    response.once('close', () => {
      for (const one of callbacks) one()
    })
  }
}
