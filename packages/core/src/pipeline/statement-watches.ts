import type { StatementWatch, WatchedShape } from './statement-watch.ts'

type Begin = Pick<StatementWatch, 'begin'>

/** Everybody who is told of statements, as one. */
export class StatementWatches {
  readonly #own: StatementWatch | undefined
  readonly #others = new Set<Begin>()
  readonly #together: StatementWatch
  readonly #onError: (error: unknown) => void
  /** `undefined`: nobody wants to know. Where nobody but the Sluice's own does, it is that one: nothing stands in between. */
  current: StatementWatch | undefined

  /**
   * @param own - The Sluice's own.
   * @param now - Its clock.
   * @param onError - Is told what others threw.
   */
  constructor(own: StatementWatch | undefined, now: () => number, onError: (error: unknown) => void) {
    this.#own = own
    this.#onError = onError
    this.#together = { now, begin: (...statement) => this.#begin(...statement) }
    this.current = own
  }

  /** Returns what takes it off again. */
  add(other: Begin): () => void {
    this.#others.add(other)
    this.current = this.#together
    return () => {
      this.#others.delete(other)
      if (this.#others.size === 0) this.current = this.#own
    }
  }

  #begin(...statement: Parameters<StatementWatch['begin']>): WatchedShape | undefined {
    const own = this.#own?.begin(...statement)
    const begun: WatchedShape[] = []
    for (const other of this.#others) {
      this.#guarded(() => {
        const one = other.begin(...statement)
        if (one !== undefined) begun.push(one)
      })
    }
    if (begun.length === 0) return own
    return {
      ended: (...end) => {
        own?.ended(...end)
        for (const one of begun) this.#guarded(() => one.ended(...end))
      },
    }
  }

  #guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#onError(error)
    }
  }
}
