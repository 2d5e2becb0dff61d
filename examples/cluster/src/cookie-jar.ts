/** One site's cookies, as a browser keeps them. */
export class CookieJar {
  readonly #cookies = new Map<string, { readonly value: string; readonly until: number }>()

  /** @param now - Monotonic milliseconds. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** The `Cookie` header of a request; `undefined`: none. */
  get header(): string | undefined {
    for (const [name, { until }] of this.#cookies) if (until <= this.now()) this.#cookies.delete(name)
    if (this.#cookies.size === 0) return undefined
    return [...this.#cookies].map(([name, { value }]) => `${name}=${value}`).join('; ')
  }

  /** Keeps what a response sets: `Set-Cookie` lines. */
  keep(lines: readonly string[]): void {
    for (const line of lines) {
      const [, name, value = '', attributes = ''] = /^\s*([^=;]+?)\s*=\s*([^;]*)(.*)$/.exec(line) ?? []
      if (name === undefined) continue
      const [, seconds] = /;\s*max-age=(-?\d+)/i.exec(attributes) ?? []
      this.#cookies.set(name, {
        value: value.trim(),
        until: seconds === undefined ? Number.POSITIVE_INFINITY : this.now() + Number(seconds) * 1_000,
      })
    }
  }
}
