import { setTimeout as after } from 'node:timers/promises'
import { Random } from '../support/random.ts'
import { around, type FaultKind, MAX_OUTAGE_MS, MAX_PAUSE_MS, MEAN_MS } from './fault-plan.ts'
import type { StoreServer } from './store-server.ts'
import type { WorkerHandle } from './worker-handle.ts'

export interface Victims {
  readonly server: StoreServer
  /** Runs statements on the database without any worker. */
  define(sql: string): Promise<void>
  /** Workers that run now. */
  workers(): readonly WorkerHandle[]
}

const CREATE_TRIGGER = `
  CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN UPDATE groups SET notes = notes + 1 WHERE id = new.group_id; RETURN new; END $$;
  CREATE TRIGGER note AFTER UPDATE ON items FOR EACH ROW WHEN (new.id <= 5) EXECUTE FUNCTION note()`
const DROP_TRIGGER = 'DROP TRIGGER note ON items'

/** Injects faults, each kind on a separate schedule, until it is stopped. */
export class FaultInjector {
  readonly counts = new Map<FaultKind, number>()
  readonly #victims: Victims
  readonly #random: Random
  readonly #kinds: readonly FaultKind[]
  readonly #pace: number
  #stop = new AbortController()
  #loops: Promise<void>[] = []
  #hasTrigger = false
  /** Only one fault affects the server of the cache at a time. */
  #server: Promise<void> = Promise.resolve()

  /** @param pace - Multiplier of the usual fault rate. */
  constructor(victims: Victims, kinds: readonly FaultKind[], seed: number, pace: number) {
    this.#victims = victims
    this.#kinds = kinds
    this.#random = new Random(seed)
    this.#pace = pace
  }

  start(): void {
    this.#stop = new AbortController()
    this.#loops = this.#kinds.map((kind) => this.#loop(kind))
  }

  /** Settles when all affected servers and workers run again. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
    await this.#server
  }

  async #loop(kind: FaultKind): Promise<void> {
    while (await this.#wait(around(MEAN_MS[kind] / this.#pace, this.#random))) {
      this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
      await this.#inflict(kind)
    }
  }

  async #inflict(kind: FaultKind): Promise<void> {
    const workers = this.#victims.workers()
    const worker = workers.length === 0 ? undefined : this.#random.pick(workers)
    switch (kind) {
      case 'writer':
        worker?.send({ type: 'arm', fault: 'die-after-commit' })
        return
      case 'commit':
        worker?.send({
          type: 'arm',
          fault: this.#random.chance(0.5) ? 'end-backend-in-commit' : 'drop-connection-in-commit',
        })
        return
      case 'pause': {
        const ms = 100 + this.#random.next() * (MAX_PAUSE_MS - 100)
        if (this.#random.chance(0.5)) worker?.send({ type: 'arm', fault: 'stop-before-commit' })
        else worker?.signal('SIGSTOP')
        await after(ms)
        worker?.signal('SIGCONT')
        // An armed fault may have stopped late.
        await after(100)
        worker?.signal('SIGCONT')
        return
      }
      case 'server':
        return this.#onServer((server) => this.#outage(server, false))
      case 'snapshot':
        return this.#onServer(async (server) => {
          await server.saveSnapshot()
          await after(this.#random.next() * 1_000)
          await this.#outage(server, true)
        })
      case 'flush':
        return this.#onServer((server) => server.flush())
      case 'schema':
        return this.#define()
      case 'bus':
        return this.#onServer((server) => server.cutSubscribers())
    }
  }

  /** It can fail while other sessions hold locks for too long. */
  async #define(): Promise<void> {
    const isDone = await this.#victims.define(this.#hasTrigger ? DROP_TRIGGER : CREATE_TRIGGER).then(
      () => true,
      () => false,
    )
    if (isDone) this.#hasTrigger = !this.#hasTrigger
  }

  #onServer(hurt: (server: StoreServer) => Promise<void>): Promise<void> {
    this.#server = this.#server.then(() => hurt(this.#victims.server))
    return this.#server
  }

  async #outage(server: StoreServer, withSnapshot: boolean): Promise<void> {
    await server.kill()
    await after(this.#random.next() * MAX_OUTAGE_MS)
    await server.restart(withSnapshot)
  }

  /** `false`: it is time to stop. */
  async #wait(ms: number): Promise<boolean> {
    try {
      await after(ms, undefined, { signal: this.#stop.signal })
      return true
    } catch {
      return false
    }
  }
}
