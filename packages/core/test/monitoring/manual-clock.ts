import type { Clock } from '../../src/shared/clock.ts'

/** A clock that a test advances. */
export class ManualClock implements Clock {
  #now = 10_000
  /** From 26 November 2026, 12:00 UTC. */
  #wall: number = Date.UTC(2026, 10, 26, 12)

  now(): number {
    return this.#now
  }

  wall(): number {
    return this.#wall
  }

  advance(ms: number): void {
    this.#now += ms
    this.#wall += ms
  }

  /** Changes the wall clock. */
  setWall(ms: number): void {
    this.#wall = ms
  }
}
