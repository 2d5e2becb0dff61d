import type { Random } from '@sluice/example-atlas/random'
import type { PlannedRequest } from '@sluice/example-atlas/requests'
import { Tally } from './tally.ts'
import { Visitor } from './visitor.ts'

/** Milliseconds that a visitor takes to read a page, at most. */
const MAX_PAUSE_MS = 200
const REVIEW_SHARE = 0.35
const USERS = 200
const CITY = /^\/cities\/\d+$/

export interface TrafficPlan {
  readonly origin: string
  readonly visitors: number
  readonly keepsCookies: boolean
  readonly random: Random
  /** Gives the requests of another visit. */
  readonly nextVisit: () => readonly PlannedRequest[]
}

/** A fixed number of visitors, each of whom waits for a response before the next request. */
export class Traffic {
  mayLoseWrites = false
  #tally = new Tally()
  readonly #running: Promise<unknown>
  #isRunning = true

  constructor(private readonly plan: TrafficPlan) {
    this.#running = Promise.all(Array.from({ length: plan.visitors }, () => this.#visit()))
  }

  get tally(): Tally {
    return this.#tally
  }

  /** Starts a new count for requests that are sent from now on. */
  begin(): Tally {
    this.#tally = new Tally()
    return this.#tally
  }

  /** Resolves when every request was answered. */
  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#running
  }

  async #visit(): Promise<void> {
    const { origin, keepsCookies, nextVisit, random } = this.plan
    const visitor = new Visitor({
      origin,
      keepsCookies,
      tally: () => this.#tally,
      mayLoseWrites: () => this.mayLoseWrites,
    })
    while (this.#isRunning) {
      for (const request of withReview(nextVisit(), random)) {
        if (!this.#isRunning) return
        await visitor.send(request)
        await new Promise((resolve) => setTimeout(resolve, random.below(MAX_PAUSE_MS)))
      }
    }
  }
}

/** More visitors than in the plan review the city that they saw last, and view it immediately. */
function withReview(visit: readonly PlannedRequest[], random: Random): readonly PlannedRequest[] {
  const city = visit.findLast(({ path }) => CITY.test(path))
  if (city === undefined || random.next() >= REVIEW_SHARE) return visit
  const body = {
    userId: 1 + random.below(USERS),
    rating: 1 + random.below(5),
    body: 'Seen from another node.',
  }
  return [
    ...visit,
    { route: 'POST /cities/:id/reviews', method: 'POST', path: `${city.path}/reviews`, body },
    city,
    city,
  ]
}
