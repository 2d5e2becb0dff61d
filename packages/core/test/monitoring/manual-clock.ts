import type { Clock } from '../../src/shared/clock.ts'

/** Time that goes on when a test says so. */
export class ManualClock implements Clock {
  #now = 10_000
  /** Of 26 November 2026, 12:00 UTC. */
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

  /** Somebody sets the clock on the wall. */
  setWall(ms: number): void {
    this.#wall = ms
  }
}
