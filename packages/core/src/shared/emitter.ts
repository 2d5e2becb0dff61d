import { callSafely } from './call-safely.ts'
import { InvalidArgumentError } from './errors.ts'

/**
 * Typed events. A listener that throws or rejects never disturbs the emitter: its error goes to
 * `onListenerError`.
 */
export class Emitter<TEvents extends object> {
  readonly #listeners = new Map<keyof TEvents, Set<(payload: never) => void>>()

  /** @param names - Every event. */
  constructor(
    private readonly names: Readonly<Record<keyof TEvents, true>>,
    private readonly onListenerError: (error: unknown, event: keyof TEvents) => void = () => {},
  ) {}

  /**
   * Adds a listener and returns the function that removes it.
   *
   * @throws InvalidArgumentError for an unknown event, or a listener that is not a function.
   */
  on<K extends keyof TEvents>(event: K, listener: (payload: TEvents[K]) => void): () => void {
    if (!Object.hasOwn(this.names, event))
      throw new InvalidArgumentError('event', `one of ${Object.keys(this.names).join(', ')}`, event)
    if (typeof listener !== 'function') throw new InvalidArgumentError('listener', 'a function', listener)
    const listeners = this.#listeners.get(event) ?? new Set()
    this.#listeners.set(event, listeners)
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }

  /** Whether the event has listeners: without one, no payload has to be built. */
  has(event: keyof TEvents): boolean {
    return this.count(event) > 0
  }

  /** Number of listeners of an event. */
  count(event: keyof TEvents): number {
    return this.#listeners.get(event)?.size ?? 0
  }

  emit<K extends keyof TEvents>(event: K, payload: TEvents[K]): void {
    const listeners = this.#listeners.get(event)
    if (listeners === undefined) return
    for (const listener of [...listeners]) {
      callSafely(
        () => (listener as (payload: TEvents[K]) => void)(payload),
        (error) => this.onListenerError(error, event),
      )
    }
  }

  clear(): void {
    this.#listeners.clear()
  }
}
