import { randomToken, setLongInterval } from '@sluice/core/siblings'
import type { Keys } from './keys.ts'
import type { MetaClient } from './meta-client.ts'
import { NEVER } from './tag-logs.ts'

const CHECK_MS = 1_000
/** How long the store is unusable after a conflict was seen. */
const CONFLICT_MS = 30_000

/**
 * Detects that processes which share an entry server use different state servers. Each state server has a
 * random identity, and each process compares it with the one on the entry servers, and replaces that.
 *
 * An identity on an entry server that differs can be that of the same server before it lost its state. But if
 * this process has seen its own identity there, the process that replaced it had read a different identity
 * from its state server later. If the state server of this process still has the first identity, there are
 * two servers.
 */
export class StateIdentity {
  /** The identity that this process has seen or written on each entry server. */
  readonly #confirmed = new Map<MetaClient, string>()
  readonly #timer: NodeJS.Timeout
  #conflictUntil = Number.NEGATIVE_INFINITY

  constructor(
    private readonly state: MetaClient,
    private readonly entries: readonly MetaClient[],
    private readonly keys: Keys,
    private readonly onConflict: () => void,
  ) {
    this.#timer = setLongInterval(() => this.#checkAll(), CHECK_MS)
    this.#timer.unref()
  }

  get hasConflict(): boolean {
    return performance.now() < this.#conflictUntil
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #checkAll(): void {
    // A server that cannot be reached is checked the next time.
    for (const server of this.entries) this.#check(server).catch(() => {})
  }

  async #check(server: MetaClient): Promise<void> {
    const { identity: own, stateIdentity: shared } = this.keys
    const link = server.link
    const [there] = await server.send([`mg ${shared} v c\r\n`], 1, link)
    const token = randomToken()
    const create = `ms ${own} ${token.length} ME T${NEVER}\r\n${token}\r\n`
    // After the other: an identity that has been replaced there is not read here anymore.
    const [, here] = await this.state.send([create, `mg ${own} v\r\n`], 2)
    const identity = here?.data?.toString('latin1')
    const found = there?.data?.toString('latin1')
    if (identity === undefined) return
    if (found !== undefined && found !== identity && this.#confirmed.get(server) === identity) {
      this.#conflictUntil = performance.now() + CONFLICT_MS
      this.onConflict()
    }
    if (found === identity) {
      this.#confirmed.set(server, identity)
      return
    }
    const condition = found === undefined ? 'ME' : `C${there?.flags.c}`
    const [written] = await server.send(
      [`ms ${shared} ${identity.length} ${condition} T${NEVER}\r\n${identity}\r\n`],
      1,
      link,
    )
    if (written?.code === 'HD') this.#confirmed.set(server, identity)
  }
}
