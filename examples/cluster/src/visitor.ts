import type { PlannedRequest } from '@sluice/example-atlas/requests'
import { CookieJar } from './cookie-jar.ts'
import type { Outcome, Tally } from './tally.ts'

interface Review {
  readonly id: number
  readonly createdAt: string
}

/** As many as a city's page shows. */
const SHOWN = 10
const MAX_FAILURES = 5
const CITY = /^\/cities\/(\d+)(\/reviews)?$/

export interface VisitorParts {
  readonly origin: string
  readonly keepsCookies: boolean
  /** Where things are counted now. */
  readonly tally: () => Tally
  /** Whether a write may be lost now: a node is about to die or to hang. */
  readonly mayLoseWrites: () => boolean
}

/** Sends one request after the other, keeps cookies, and looks whether pages show what it wrote. */
export class Visitor {
  readonly #jar = new CookieJar()
  /** Its latest review of each city. */
  readonly #reviews = new Map<string, Review>()

  constructor(private readonly parts: VisitorParts) {}

  async send({ method, path, body }: PlannedRequest): Promise<void> {
    const { origin, keepsCookies, tally, mayLoseWrites } = this.parts
    const counted = tally()
    const mayLose = method === 'POST' && mayLoseWrites()
    const sentAt = performance.now()
    let node: string | undefined
    let outcome: Outcome
    try {
      const cookie = this.#jar.header
      const response = await fetch(origin + path, {
        method,
        headers: {
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...(cookie !== undefined && { cookie }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      node = response.headers.get('x-node') ?? undefined
      if (keepsCookies) this.#jar.keep(response.headers.getSetCookie())
      const text = await response.text()
      outcome = outcomeOf(response.status, mayLose)
      if (outcome === 'answered' && response.ok) this.#look(counted, method, path, text)
      else if (outcome === 'failed') note(counted, `${method} ${path}: ${response.status} ${text}`)
    } catch (error) {
      outcome = mayLose ? 'lost' : 'failed'
      if (outcome === 'failed')
        note(
          counted,
          `${method} ${path}: ${error instanceof Error ? `${error.message} ${error.cause ?? ''}` : error}`,
        )
    }
    counted.add({ sentAt, ms: performance.now() - sentAt, outcome, node })
  }

  #look(counted: Tally, method: string, path: string, text: string): void {
    const [, city, reviews] = CITY.exec(path) ?? []
    if (city === undefined) return
    if (method === 'POST' && reviews !== undefined) {
      const { id, createdAt } = JSON.parse(text) as Review
      const known = this.#reviews.get(city)
      // A page shows the latest by their own time.
      if (known === undefined || isBefore(known, { id, createdAt }))
        this.#reviews.set(city, { id, createdAt })
      return
    }
    const own = this.#reviews.get(city)
    if (own === undefined) return
    counted.ownReads += 1
    if (!shows((JSON.parse(text) as { readonly reviews: readonly Review[] }).reviews, own))
      counted.staleReads += 1
  }
}

/** Whether a page shows a review, or enough later ones to replace it. */
export function shows(page: readonly Review[], review: Review): boolean {
  return (
    page.some(({ id }) => id === review.id) ||
    (page.length === SHOWN && page.every((one) => isBefore(review, one)))
  )
}

function isBefore(one: Review, other: Review): boolean {
  const [first, second] = [Date.parse(one.createdAt), Date.parse(other.createdAt)]
  return first < second || (first === second && one.id < other.id)
}

/** 502 and 504: it was sent to a node, which did not answer. */
function outcomeOf(status: number, mayLose: boolean): Outcome {
  if (status < 500) return 'answered'
  return mayLose && (status === 502 || status === 504) ? 'lost' : 'failed'
}

function note({ failures }: Tally, text: string): void {
  if (failures.length < MAX_FAILURES) failures.push(text)
}
