import type { QueueHealth } from './queue-health.ts'

/** Tells when the health of a queue is another one than before. */
export class HealthWatch {
  readonly #known = new Map<string, QueueHealth['health']>()

  constructor(
    private readonly healthOf: (queue: string) => Promise<QueueHealth>,
    private readonly changed: (queue: string, health: QueueHealth) => void,
  ) {}

  /** A queue that is healthy at first is not told of. */
  async look(queue: string): Promise<void> {
    const health = await this.healthOf(queue)
    const before = this.#known.get(queue) ?? 'healthy'
    this.#known.set(queue, health.health)
    if (health.health !== before) this.changed(queue, health)
  }
}
