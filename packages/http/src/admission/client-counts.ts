import { isIPv6 } from 'node:net'

/** Whom a limit counts as one: an IPv4 address, or the 64 bits of an IPv6 address that a provider gives to one customer. */
export function clientKey(ip: string): string {
  if (!isIPv6(ip)) return ip
  const [head = '', tail] = (ip.split('%', 1)[0] ?? '').split('::') as [string, string?]
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':')
    // An IPv4 address at the end stands for two groups.
    const given = groups.length + last.length + (tail.includes('.') ? 1 : 0)
    for (let i = given; i < 8; i += 1) groups.push('0')
    groups.push(...last)
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

/** How much each client has under way. */
export class ClientCounts {
  readonly #counts = new Map<string, number>()

  constructor(private readonly max: number) {}

  /** @returns The function that gives it back, once; `undefined` when the client has as much as it may. */
  take(client: string): (() => void) | undefined {
    const count = this.#counts.get(client) ?? 0
    if (count >= this.max) return undefined
    this.#counts.set(client, count + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#counts.get(client) ?? 1) - 1
      if (left === 0) this.#counts.delete(client)
      else this.#counts.set(client, left)
    }
  }
}
