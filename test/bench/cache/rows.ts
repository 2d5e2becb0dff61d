import { Random } from '../../support/random.ts'

/** A typical cached value of an app: about 250 bytes of JSON. */
export interface BenchRow {
  readonly id: number
  readonly email: string
  readonly name: string
  readonly active: boolean
  readonly followers: number
  readonly countryCode: string | null
  readonly bio: string
  readonly createdAt: string
  readonly updatedAt: string
}

/** @param index - Starts at 0. */
export function rowOf(index: number): BenchRow {
  return {
    id: index,
    email: `author${index}@example.org`,
    name: `Author ${index}`,
    active: index % 3 !== 0,
    followers: index * 17,
    countryCode: index % 4 === 0 ? null : 'FR',
    bio: `Author ${index} writes about water, sluices and the towns between them.`,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-02T00:00:00.000Z',
  }
}

/** Keys in an order that defeats the processor's caches; the same in every run. */
export function shuffledKeys(count: number): string[] {
  const random = new Random(1)
  const keys = Array.from({ length: count }, (_, index) => keyOf(index))
  for (let at = count - 1; at > 0; at -= 1) {
    const other = random.below(at + 1)
    const key = keys[at] as string
    keys[at] = keys[other] as string
    keys[other] = key
  }
  return keys
}

export function keyOf(index: number): string {
  return `author:${index}`
}

export function indexOf(key: string): number {
  return Number(key.slice('author:'.length))
}
