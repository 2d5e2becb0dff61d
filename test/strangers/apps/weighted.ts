import type { Random } from '../../support/random.ts'
import type { AppRequest } from './real-app.ts'

type Choice = readonly [weight: number, request: (random: Random, at: number) => AppRequest]

/** Picks requests by their weights. */
export function weighted(choices: readonly Choice[]): (random: Random, at: number) => AppRequest {
  const total = choices.reduce((sum, [weight]) => sum + weight, 0)
  return (random, at) => {
    let choice = random.below(total)
    for (const [weight, request] of choices) {
      if (choice < weight) return request(random, at)
      choice -= weight
    }
    throw new Error('Expected a choice within the weights.')
  }
}
